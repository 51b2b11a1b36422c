import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { digestOf } from './blobs.ts'

/** What a test lets the registry do wrong. Gives true when it has answered the request itself. */
export type Fault = (request: IncomingMessage, response: ServerResponse, count: number) => boolean

export interface RegistryDouble extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string
  readonly blobs: Map<string, Buffer>
  /** By `repository:tag` and `repository@digest`. */
  readonly manifests: Map<string, { readonly mediaType: string; readonly bytes: Buffer }>
  /** `METHOD /path` of every request, and its headers. */
  readonly asked: { readonly line: string; readonly headers: IncomingMessage['headers'] }[]
  fault: Fault | undefined
}

/** A small registry in memory for what a real one does only when it is broken. */
export async function registryDouble(): Promise<RegistryDouble> {
  const uploads = new Map<string, Buffer>()
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => response.destroy(error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const double: RegistryDouble = {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    blobs: new Map(),
    manifests: new Map(),
    asked: [],
    fault: undefined,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return double

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', `http://${double.host}`)
    double.asked.push({ line: `${request.method} ${url.pathname}${url.search}`, headers: request.headers })
    if (double.fault?.(request, response, double.asked.length) === true) return
    const end = (status: number, headers: Record<string, string> = {}, body?: Buffer) =>
      void response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : body)
    if (url.pathname === '/v2/') return end(200)

    const [, repository = '', kind, last = ''] =
      /^\/v2\/(.+)\/(manifests|blobs\/uploads|blobs)\/(.*)$/.exec(url.pathname) ?? []
    if (kind === 'manifests' && request.method === 'PUT') {
      const bytes = await bodyOf(request)
      const stored = { mediaType: request.headers['content-type'] ?? '', bytes }
      double.manifests.set(`${repository}@${digestOf(bytes)}`, stored)
      if (!last.startsWith('sha256:')) double.manifests.set(`${repository}:${last}`, stored)
      return end(201, { 'docker-content-digest': digestOf(bytes) })
    }
    if (kind === 'manifests') {
      const found = double.manifests.get(`${repository}${last.startsWith('sha256:') ? '@' : ':'}${last}`)
      if (found === undefined) return end(404)
      return end(200, { 'content-type': found.mediaType, 'docker-content-digest': digestOf(found.bytes) }, found.bytes)
    }
    if (kind === 'blobs') {
      const found = double.blobs.get(last)
      if (found === undefined) return end(404)
      const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
      if (start === 0) return end(200, { 'content-length': String(found.length) }, found)
      return end(206, { 'content-range': `bytes ${start}-${found.length - 1}/${found.length}` }, found.subarray(start))
    }
    if (kind !== 'blobs/uploads') return end(404)
    if (request.method === 'POST') {
      if (double.blobs.has(url.searchParams.get('mount') ?? '')) return end(201)
      const id = String(uploads.size)
      uploads.set(id, Buffer.alloc(0))
      return end(202, { location: `/v2/${repository}/blobs/uploads/${id}` })
    }
    const known = uploads.get(last)
    if (known === undefined) return end(404)
    const here = { location: url.pathname, range: `0-${Math.max(0, known.length - 1)}` }
    if (request.method === 'GET') return end(204, here)
    if (request.method === 'PATCH') {
      let taken = known
      request.on('data', (piece: Buffer) => {
        taken = Buffer.concat([taken, piece])
        uploads.set(last, taken)
      })
      await new Promise((resolve) => request.once('close', resolve))
      return end(202, { location: url.pathname })
    }
    const digest = url.searchParams.get('digest') ?? ''
    if (digestOf(known) !== digest) return end(400)
    double.blobs.set(digest, known)
    return end(201)
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces)
}

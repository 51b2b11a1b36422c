import { createServer } from 'node:https'
import type { Duplex } from 'node:stream'
import type { RegistryAuthority } from '../distribution/registry-pki.ts'
import { urlHost } from '../distribution/registry-service.ts'
import type { Infra } from '../infra.ts'
import type { RecordingProxy } from './recording-proxy.ts'

/** A proxy that hosts reach. Disposing of it closes every connection. */
export interface ServedProxy extends AsyncDisposable {
  /** As the hosts see it. */
  readonly url: string
}

/** Serves a proxy to the hosts of a cluster, over TLS. Only holders of a client certificate of the cluster are heard: hosts are, pods are not. */
export async function serveProxy(
  proxy: RecordingProxy,
  authority: RegistryAuthority,
  openInlet: (accept: Parameters<NonNullable<Infra['inlet']>>[1]) => ReturnType<NonNullable<Infra['inlet']>>,
): Promise<ServedProxy> {
  const server = createServer({ requestCert: true, rejectUnauthorized: true }, (request, response) => {
    void proxy.handle(request, response)
  })
  server.on('tlsClientError', () => {}) // whoever has no certificate of the cluster
  server.on('clientError', (_, socket) => void socket.destroy())
  const inlet = await openInlet((connection: Duplex) => void server.emit('connection', connection))
  const leaf = await authority.issue({ kind: 'server', name: 'recording-proxy', addresses: [inlet.address] })
  server.setSecureContext({ cert: leaf.certificate, key: leaf.key, ca: (await authority.pair()).certificate })
  return {
    url: `https://${urlHost(inlet.address)}:${inlet.port}/v2`,
    [Symbol.asyncDispose]: async () => {
      await inlet[Symbol.asyncDispose]()
      server.closeAllConnections()
    },
  }
}

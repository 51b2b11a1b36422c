import { createHash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { lstat, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { EnvHttpProxyAgent, interceptors, request } from 'undici'
import { buildErrors } from './errors.ts'
import { keepFile } from './keep-file.ts'

/** A file fetched from a URL. */
export interface Download {
  /** Where its bytes are on this machine. */
  readonly file: string
  readonly digest: string
}

export interface DownloadOptions {
  /** Where it is asked for, e.g. `Kubefile:3:5`. */
  readonly place: string
  readonly checksum?: string
  readonly signal?: AbortSignal
}

/** Most bytes of one download. */
const maxBytes = 8 * 1024 ** 3
const timeouts = { headersTimeout: 30_000, bodyTimeout: 60_000 } as const

/**
 * Fetches a file over HTTP into a folder, under its digest. One that is pinned and there already is not fetched again.
 * @throws DOWNLOAD_FAILED, DOWNLOAD_CHECKSUM
 */
export async function download(
  url: string,
  folder: string,
  { place: at, checksum, signal }: DownloadOptions,
): Promise<Download> {
  await mkdir(folder, { recursive: true })
  const place = (digest: string) => join(folder, digest.replace(':', '-'))
  if (checksum !== undefined && (await exists(place(checksum)))) return { file: place(checksum), digest: checksum }

  const draft = join(folder, `unfinished-${randomUUID()}`)
  try {
    const digest = await fetchTo(url, draft, at, signal)
    if (checksum !== undefined && digest !== checksum)
      throw buildErrors.DOWNLOAD_CHECKSUM({ place: at, url: shown(url), wanted: checksum, got: digest })
    await keepFile(draft, place(digest))
    return { file: place(digest), digest }
  } finally {
    await rm(draft, { force: true })
  }
}

async function fetchTo(url: string, file: string, place: string, signal: AbortSignal | undefined): Promise<string> {
  const proxy = new EnvHttpProxyAgent()
  try {
    const dispatcher = proxy.compose(interceptors.redirect({ maxRedirections: 5 }))
    const { statusCode, body } = await request(url, {
      dispatcher,
      ...timeouts,
      ...(signal === undefined ? {} : { signal }),
    })
    if (statusCode !== 200) {
      await body.dump()
      throw new Error(`the server answers with status ${statusCode}`)
    }
    const hash = createHash('sha256')
    await pipeline(body, metered(hash), createWriteStream(file))
    return `sha256:${hash.digest('hex')}`
  } catch (cause) {
    signal?.throwIfAborted()
    throw buildErrors.DOWNLOAD_FAILED(
      { place, url: shown(url), reason: cause instanceof Error ? cause.message : String(cause) },
      { cause },
    )
  } finally {
    await proxy.close()
  }
}

function metered(hash: ReturnType<typeof createHash>): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      hash.update(chunk)
      done(bytes > maxBytes ? new Error(`it has more than ${maxBytes} bytes`) : null, chunk)
    },
  })
}

/** A URL without what may be secret in it. */
function shown(url: string): string {
  const { origin, pathname } = new URL(url)
  return origin + pathname
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

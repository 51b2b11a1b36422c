import { createReadStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pipeline, type Readable, Transform } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { SealerError } from '../errors.ts'
import { eachTarEntry, readBody, type TarEntry } from '../image/tar-file.ts'

/** A packed chart that is none, or that would do harm. */
export class ChartProblem extends Error {}

/** helm takes no more of one archive. */
const mostUnpacked = 100 * 1024 ** 2
const largestFile = 5 * 1024 ** 2
const mostFiles = 20_000

/**
 * Unpacks a packed chart into a folder, without the folder that everything in it stands in. Refuses what leads out of it, links, and
 * archives that grow beyond what helm takes; helm sees only what has passed.
 * @throws ChartProblem
 */
export async function unpackChart(archive: string, folder: string): Promise<void> {
  let files = 0
  try {
    await eachTarEntry(bounded(archive), archive, async (entry) => {
      const [, ...inner] = entry.path.split('/')
      if (entry.link !== undefined) throw new ChartProblem(`it has a link, ${entry.path}`)
      if (entry.path.includes('\\')) throw new ChartProblem(`it has a path with backslashes, ${entry.path}`)
      if (inner.length === 0) throw new ChartProblem(`${entry.path} does not stand in the folder of the chart`)
      if (++files > mostFiles) throw new ChartProblem(`it has more than ${mostFiles} files`)
      const target = join(folder, ...inner)
      await mkdir(dirname(target), { recursive: true })
      await writeFile(target, await readBody(entry, archive, largestFile))
    })
  } catch (cause) {
    if (cause instanceof ChartProblem) throw cause
    if (SealerError.is(cause)) throw new ChartProblem(cause.message.replace(`${archive}`, 'it'), { cause })
    throw new ChartProblem((cause as Error).message, { cause })
  }
}

function bounded(archive: string): Readable {
  let bytes = 0
  const bound = new Transform({
    transform(piece: Buffer, _encoding, done) {
      bytes += piece.length
      if (bytes <= mostUnpacked) done(null, piece)
      else done(new ChartProblem(`it unpacks to more than ${mostUnpacked / 1024 ** 2} MiB`))
    },
  })
  return pipeline(createReadStream(archive), createGunzip(), bound, () => {})
}

/** Whether an archive looks like a packed chart: its first files are looked at, and nothing is told of it otherwise. */
export async function isPackedChart(archive: string): Promise<boolean> {
  const enough = new AbortController()
  let looked = 0
  let found = false
  const look = async ({ path }: TarEntry) => {
    found ||= /^[^/]+\/Chart\.yaml$/.test(path)
    if (found || ++looked === firstFiles) enough.abort()
  }
  await eachTarEntry(bounded(archive), archive, look, enough.signal).catch(() => {})
  return found
}

/** helm writes Chart.yaml first. */
const firstFiles = 50

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** sha256 of a file, in hex. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}

/** sha256 of each file in a folder that never changes, by name in order; remembered in a file beside the folder. */
export async function folderDigests(folder: string): Promise<Readonly<Record<string, string>>> {
  const memory = `${folder}.sha256.json`
  const known = await readFile(memory, 'utf8').catch(() => undefined)
  if (known !== undefined) return JSON.parse(known)
  const digests: Record<string, string> = {}
  for (const name of (await readdir(folder)).sort()) digests[name] = await fileDigest(join(folder, name))
  await writeFile(`${memory}.${process.pid}`, JSON.stringify(digests))
  await rename(`${memory}.${process.pid}`, memory)
  return digests
}

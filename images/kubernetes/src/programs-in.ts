import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Elf } from './elf.ts'
import { elfMachine, readElf } from './elf.ts'
import type { Descriptor } from './oci-layout.ts'
import type { Arch } from './platform.ts'

/** A program or library somewhere in a build context. */
export interface FoundProgram {
  /** Path in the context, or `IMAGE NAME: path` for what is in a container image. */
  readonly path: string
  readonly machine: Elf['machine']
}

/** Every ELF file that a context holds for an architecture, in its folders and in its container images. For tests. */
export async function programsIn(context: string, arch: Arch): Promise<FoundProgram[]> {
  const found: FoundProgram[] = []
  for (const folder of [join('bin', arch), join('cni', 'bin', arch)]) {
    for (const name of await readdir(join(context, folder))) {
      const elf = await readElf(join(context, folder, name))
      if (elf !== undefined) found.push({ path: join(folder, name), machine: elf.machine })
    }
  }
  const layout = join(context, 'images')
  const index: { manifests: Descriptor[] } = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8'))
  for (const image of index.manifests) {
    const name = image.annotations?.['org.opencontainers.image.ref.name'] ?? image.digest
    for (const { digest } of await layersOf(layout, image, arch)) {
      const layer = gunzipSync(await readFile(blobPath(layout, digest)))
      for (const { path, start } of filesIn(layer)) {
        const machine = elfMachine(layer.subarray(start, start + 64))
        if (machine !== undefined) found.push({ path: `${name}: ${path}`, machine })
      }
    }
  }
  return found
}

async function layersOf(layout: string, image: Descriptor, arch: Arch): Promise<Descriptor[]> {
  const content = JSON.parse(await readFile(blobPath(layout, image.digest), 'utf8'))
  if (content.layers !== undefined) return image.platform?.architecture === arch ? content.layers : []
  const own = content.manifests.filter(({ platform }: Descriptor) => platform?.architecture === arch)
  return (await Promise.all(own.map((manifest: Descriptor) => layersOf(layout, manifest, arch)))).flat()
}

function blobPath(layout: string, digest: string): string {
  return join(layout, 'blobs', digest.replace(':', '/'))
}

/** Where the regular files of a tar archive of ours begin. */
function filesIn(archive: Buffer): { path: string; start: number }[] {
  const files: { path: string; start: number }[] = []
  for (let at = 0; archive[at] !== 0 && at < archive.length; ) {
    const size = Number.parseInt(archive.toString('latin1', at + 124, at + 135), 8)
    const [path = ''] = archive.toString('utf8', at, at + 100).split('\0')
    if (archive[at + 156] === '0'.charCodeAt(0)) files.push({ path, start: at + 512 })
    at += 512 + Math.ceil(size / 512) * 512
  }
  return files
}

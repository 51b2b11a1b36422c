import { randomUUID } from 'node:crypto'
import { constants, createWriteStream } from 'node:fs'
import { access, mkdir, rename, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Platform } from '../hosts/host.ts'
import type { BlobStore } from '../image/blobs.ts'
import type { PlatformImage } from '../image/cluster-config.ts'
import type { LayerEntry } from '../image/layer.ts'
import { platformFits } from '../image/oci.ts'
import { eachTarEntry, openArchive, type TarEntry } from '../image/tar-file.ts'

/** Where helm may be. */
export interface HelmPlaces {
  /** Files of the image that is built, and its platform. */
  readonly entries: readonly LayerEntry[]
  readonly platform: Platform
  /** The base image for this machine's platform. */
  readonly base: PlatformImage | undefined
  readonly blobs: BlobStore
  /** Folder for a program that is taken out of a base image. */
  readonly folder: string
}

const inImage = 'bin/helm'

/** The helm to render charts with: of PATH, else the one that the image brings. Undefined when there is none. */
export async function findHelm({ entries, platform, base, blobs, folder }: HelmPlaces): Promise<string | undefined> {
  for (const path of (process.env.PATH ?? '').split(delimiter)) {
    if (path !== '' && (await isProgram(join(path, 'helm')))) return join(path, 'helm')
  }
  const own = platformFits(machinePlatform(), platform) ? entries.find(({ path }) => path === inImage) : undefined
  if (own?.kind === 'file') return own.source
  return base === undefined ? undefined : takeOut(base, blobs, folder)
}

/** The platform of this machine. */
export function machinePlatform(): Platform {
  return { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch }
}

/** Unpacks the program once for each base image. */
async function takeOut(
  { layers, rootfs }: PlatformImage,
  blobs: BlobStore,
  folder: string,
): Promise<string | undefined> {
  const place = join(folder, rootfs.replace(':', '-'), 'helm')
  if (await isProgram(place)) return place
  await mkdir(join(place, '..'), { recursive: true })
  const draft = `${place}.${randomUUID()}`
  try {
    for (const { blob } of layers.toReversed()) {
      if (!(await unpack(blobs.path(blob.digest), draft))) continue
      await rename(draft, place)
      return place
    }
    return undefined
  } finally {
    await rm(draft, { force: true })
  }
}

/** Reads a layer no further than to the program. */
async function unpack(layer: string, target: string): Promise<boolean> {
  const found = new AbortController()
  const take = async ({ path, link, body }: TarEntry) => {
    if (path !== inImage || link !== undefined) return
    await pipeline(body, createWriteStream(target, { mode: 0o755 }))
    found.abort()
  }
  await eachTarEntry(await openArchive(layer), layer, take, found.signal).catch((error) => {
    if (!found.signal.aborted) throw error
  })
  return found.signal.aborted
}

async function isProgram(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

import { randomUUID } from 'node:crypto'
import { constants, createWriteStream } from 'node:fs'
import { access, mkdir, rename, rm } from 'node:fs/promises'
import { delimiter, join, posix } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Platform } from '../hosts/host.ts'
import type { BlobStore } from '../image/blobs.ts'
import type { PlatformImage } from '../image/cluster-config.ts'
import type { LayerEntry } from '../image/layer.ts'
import { platformFits } from '../image/oci.ts'
import { eachTarEntry, openArchive, type TarEntry } from '../image/tar-file.ts'

/** Programs that render what is packed. */
export type ProgramName = 'helm' | 'kubectl' | 'kustomize'

/** Where programs may be. */
export interface ProgramPlaces {
  /** Files of the image that is built, and its platform. */
  readonly entries: readonly LayerEntry[]
  readonly platform: Platform
  /** The base image for this machine's platform. */
  readonly base: PlatformImage | undefined
  readonly blobs: BlobStore
  /** Folder for a program that is taken out of a base image. */
  readonly folder: string
}

/** Looks for programs when they are asked for, for each choice once; `found` is told where one is. */
export function programFinder(
  placesOf: () => Promise<ProgramPlaces>,
  found: (names: readonly ProgramName[], program: string) => void = () => {},
): (...names: readonly ProgramName[]) => Promise<string | undefined> {
  const programs = new Map<string, Promise<string | undefined>>()
  const find = async (names: readonly ProgramName[]) => {
    const program = await findProgram(names, await placesOf())
    if (program !== undefined) found(names, program)
    return program
  }
  return (...names) => {
    const program = programs.get(names.join()) ?? find(names)
    programs.set(names.join(), program)
    return program
  }
}

/**
 * The first of these programs that is there: of PATH, else one that the image brings. Undefined when there is none.
 */
export async function findProgram(
  names: readonly ProgramName[],
  { entries, platform, base, blobs, folder }: ProgramPlaces,
): Promise<string | undefined> {
  for (const name of names) {
    for (const path of (process.env.PATH ?? '').split(delimiter))
      if (path !== '' && (await isProgram(join(path, name)))) return join(path, name)
  }
  for (const name of names) {
    const inImage = `bin/${name}`
    const own = platformFits(machinePlatform(), platform) ? entries.find(({ path }) => path === inImage) : undefined
    if (own?.kind === 'file') return own.source
    const ofBase = base === undefined ? undefined : await takeOut(inImage, base, blobs, folder)
    if (ofBase !== undefined) return ofBase
  }
  return undefined
}

/** The platform of this machine. */
export function machinePlatform(): Platform {
  return { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch }
}

/** Unpacks the program once for each base image. */
async function takeOut(
  inImage: string,
  { layers, rootfs }: PlatformImage,
  blobs: BlobStore,
  folder: string,
): Promise<string | undefined> {
  const place = join(folder, rootfs.replace(':', '-'), posix.basename(inImage))
  if (await isProgram(place)) return place
  await mkdir(join(place, '..'), { recursive: true })
  const draft = `${place}.${randomUUID()}`
  try {
    for (const { blob } of layers.toReversed()) {
      if (!(await unpack(inImage, blobs.path(blob.digest), draft))) continue
      await rename(draft, place)
      return place
    }
    return undefined
  } finally {
    await rm(draft, { force: true })
  }
}

/** Reads a layer no further than to the program. */
async function unpack(inImage: string, layer: string, target: string): Promise<boolean> {
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

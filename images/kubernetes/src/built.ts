import { join } from 'node:path'
import { containerImages, filterPackages, imageTags } from './container-images.ts'
import { type DebianPackage, debianTree } from './debian.ts'
import { fastGunzip } from './fast-gunzip.ts'
import { folderDigests } from './file-digest.ts'
import type { Gathered, HostFiles, PartRecord } from './gathered.ts'
import { debianRecord, hostPrograms, pick } from './gathered.ts'
import type { Go } from './go.ts'
import { findGo } from './go.ts'
import { goPart } from './go-part.ts'
import type { ImageRecipe } from './oci-layout.ts'
import { partsOf } from './parts.ts'
import { pause } from './pause.ts'
import type { Arch } from './platform.ts'
import { Progress } from './progress.ts'
import type { Release } from './releases.ts'

/** Builds every part from Go modules, one after the other: each keeps all processors busy by itself. */
export async function gatherBuilt(release: Release, archs: readonly Arch[]): Promise<Gathered> {
  const go = await findGo()
  const progress = new Progress(archs.length * (partsOf(release).length + 3))
  const files = new Map<Arch, HostFiles>()
  const recipes = new Map<Arch, readonly ImageRecipe[]>()
  for (const arch of archs) {
    const built = await buildPrograms(release, arch, go, progress)
    const title = `iptables, nftables and conntrack for ${arch}`
    const filter = await progress.part(title, () => debianTree(filterPackages, arch))
    const gunzip = await fastGunzip(arch, progress)
    const programs = Object.assign({}, ...built.map((part) => part.programs))
    const cni = built.find((part) => part.name === 'cni-plugins')?.programs ?? {}
    const records = [...built.flatMap((part) => part.records), ...filtering(filter.packages), ...gunzip.records]
    files.set(arch, { bin: pick(programs, hostPrograms), cni, gunzip: gunzip.files, records })
    recipes.set(arch, await containerImages(release, arch, { programs, filter }))
  }
  return { source: 'built', files, images: { recipes }, tags: imageTags }
}

const filtering = (packages: readonly DebianPackage[]): readonly PartRecord[] =>
  packages.map((one) =>
    debianRecord(one, `see usr/share/doc/${one.name}/copyright in the images of kube-proxy and flannel`),
  )

interface BuiltPart {
  readonly name: string
  /** Paths by file name. */
  readonly programs: Readonly<Record<string, string>>
  readonly records: readonly PartRecord[]
}

async function buildPrograms(release: Release, arch: Arch, go: Go, progress: Progress): Promise<BuiltPart[]> {
  const built: BuiltPart[] = []
  for (const part of partsOf(release)) built.push(await builtPart(part, await goPart(part, arch, go, progress)))
  const pauseFacts = { name: 'pause', version: release.pause, licence: 'Apache-2.0', module: 'k8s.io/kubernetes' }
  return [...built, await builtPart(pauseFacts, await pause(release, arch, go, progress))]
}

type PartFacts = Pick<PartRecord, 'name' | 'version' | 'licence' | 'module'>

async function builtPart({ name, version, licence, module }: PartFacts, folder: string): Promise<BuiltPart> {
  const digests = Object.entries(await folderDigests(folder))
  const programs = Object.fromEntries(digests.map(([program]) => [program, join(folder, program)]))
  const source = 'built'
  const records = digests.map(
    ([program, sha256]) => ({ name: program, version, licence, module, source, sha256 }) as const,
  )
  return { name, programs, records }
}

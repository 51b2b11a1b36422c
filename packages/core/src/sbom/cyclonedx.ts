import { createHash } from 'node:crypto'
import { platformText } from '../hosts/host.ts'
import type { CarriedImage, PlatformImage } from '../image/cluster-config.ts'
import { parseReference } from '../image/reference.ts'
import type { DistributionPackage } from './package-databases.ts'
import type { RootfsPackages } from './rootfs-packages.ts'

/** One platform of an image, and what its root file system holds. */
export interface DescribedPlatform {
  readonly platform: PlatformImage
  readonly packages: RootfsPackages
}

/** The parts of CycloneDX 1.6 that sealer writes (docs/design/sbom.md). */
export interface Bom {
  readonly bomFormat: 'CycloneDX'
  readonly specVersion: '1.6'
  readonly serialNumber: string
  readonly version: 1
  readonly metadata: { readonly tools: { readonly components: readonly Component[] }; readonly component: Component }
  readonly components: readonly Component[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
}

export interface Component {
  readonly type: 'application' | 'container' | 'library'
  readonly 'bom-ref'?: string
  readonly name: string
  readonly version?: string
  readonly hashes?: readonly { readonly alg: 'SHA-256'; readonly content: string }[]
  readonly licenses?: readonly ({ readonly license: { readonly name: string } } | { readonly expression: string })[]
  readonly purl?: string
  readonly evidence?: { readonly occurrences: readonly { readonly location: string }[] }
  readonly properties?: readonly { readonly name: string; readonly value: string }[]
}

/** Describes an image. The same image under the same name gives the same document: it holds no time and nothing random. */
export function bomOf(
  image: { readonly reference: string; readonly digest: string },
  platforms: readonly DescribedPlatform[],
): Bom {
  const root: Component = { ...ociComponent(image.reference, image.digest, {}), 'bom-ref': 'image' }
  const parts = platforms.map((described) => platformComponents(image.reference, described))
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: serialOf(`${image.reference} ${image.digest}`),
    version: 1,
    metadata: { tools: { components: [{ type: 'application', name: 'sealer' }] }, component: root },
    components: parts.flatMap(({ rootfs, inside }) => [rootfs, ...inside]),
    dependencies: [
      { ref: 'image', dependsOn: parts.map(({ rootfs }) => refOf(rootfs)) },
      ...parts.map(({ rootfs, inside }) => ({ ref: refOf(rootfs), dependsOn: inside.map(refOf) })),
    ],
  }
}

const refOf = (component: Component): string => component['bom-ref'] ?? ''

function platformComponents(reference: string, { platform, packages }: DescribedPlatform) {
  const { config, rootfs, images } = platform
  const text = platformText(config.platform)
  const arch = config.platform.architecture
  const on = (component: Component): Component => ({
    ...component,
    'bom-ref': `${text} ${component.purl ?? component.name}`,
    properties: [{ name: 'io.sealer:platform', value: text }, ...(component.properties ?? [])],
  })
  const inside = [
    ...config.parts.map(
      (part): Component => ({
        type: 'application',
        name: part.name,
        version: part.version,
        ...licencesOf(part.licence),
        purl: purl('generic', [part.name], part.version),
        properties: [{ name: 'io.sealer:source', value: part.source }],
      }),
    ),
    ...packages.packages.map((one) => distributionComponent(one, packages.distribution)),
    ...goComponents(packages.programs),
    ...images.map((image) => imageComponent(image, arch)),
  ]
  return {
    rootfs: on({
      ...ociComponent(reference, rootfs, { arch }),
      properties: [{ name: 'io.sealer:role', value: 'rootfs' }],
    }),
    inside: unique(inside.map(on)),
  }
}

function distributionComponent(one: DistributionPackage, distribution: string | undefined): Component {
  const { kind, name, version, architecture, licence } = one
  const vendor = distribution ?? (kind === 'deb' ? 'debian' : 'alpine')
  return {
    type: 'library',
    name,
    version,
    ...(licence === undefined ? {} : licencesOf(licence)),
    purl: purl(kind, [vendor, name.toLowerCase()], version, architecture === '' ? {} : { arch: architecture }),
  }
}

/** Each module once, with the programs that hold it; Go's standard library is a module as well. */
function goComponents(programs: RootfsPackages['programs']): Component[] {
  const places = new Map<string, { readonly component: Component; readonly paths: string[] }>()
  for (const { path, info } of programs) {
    const standard = { path: 'stdlib', version: info.go.replace(/^go/, '').split(' ')[0] ?? '' }
    for (const { path: module, version } of [standard, ...info.modules]) {
      const id = purl('golang', module.toLowerCase().split('/'), version)
      const known = places.get(id)
      if (known !== undefined) known.paths.push(path)
      else {
        const component: Component = { type: 'library', name: module, ...(version && { version }), purl: id }
        places.set(id, { component, paths: [path] })
      }
    }
  }
  return [...places.values()].map(({ component, paths }) => ({
    ...component,
    evidence: { occurrences: [...new Set(paths)].sort().map((location) => ({ location })) },
  }))
}

function imageComponent({ reference, digest, apps, reasons }: CarriedImage, arch: string): Component {
  return {
    ...ociComponent(reference, digest, { arch }),
    properties: [
      { name: 'io.sealer:role', value: 'container image' },
      { name: 'io.sealer:reference', value: reference },
      ...apps.map((value) => ({ name: 'io.sealer:app', value })),
      ...reasons.map((value) => ({ name: 'io.sealer:reason', value })),
    ],
  }
}

function ociComponent(reference: string, digest: string, qualifiers: Readonly<Record<string, string>>): Component {
  const { registry, repository, tag } = parseReference(reference)
  const name = repository.split('/').at(-1) ?? repository
  return {
    type: 'container',
    name: `${registry}/${repository}`,
    version: tag ?? digest,
    hashes: [{ alg: 'SHA-256', content: digest.slice('sha256:'.length) }],
    purl: purl('oci', [name], digest, {
      ...qualifiers,
      repository_url: `${registry}/${repository}`,
      ...(tag === undefined ? {} : { tag }),
    }),
  }
}

/** An SPDX expression, or else a text that says where the licence stands. */
function licencesOf(licence: string): Pick<Component, 'licenses'> {
  if (licence === '') return {}
  const isExpression = /^[A-Za-z0-9.+()-]+( (AND|OR|WITH) [A-Za-z0-9.+()-]+)*$/.test(licence)
  return { licenses: [isExpression ? { expression: licence } : { license: { name: licence } }] }
}

/** A package URL (purl-spec): qualifiers in the order of their names. */
function purl(
  type: string,
  path: readonly string[],
  version: string | undefined,
  qualifiers: Readonly<Record<string, string>> = {},
): string {
  const query = Object.entries(qualifiers)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${encoded(value)}`)
    .join('&')
  const at = version === undefined || version === '' ? '' : `@${encoded(version)}`
  return `pkg:${type}/${path.map(encoded).join('/')}${at}${query === '' ? '' : `?${query}`}`
}

const encoded = (text: string): string => encodeURIComponent(text).replaceAll('%3A', ':').replaceAll('%2F', '/')

/** One of two that are the same thing, as when a package stands in two databases. */
const unique = (components: readonly Component[]): Component[] => [
  ...new Map(components.map((component) => [refOf(component), component])).values(),
]

/** A UUID (version 8 of RFC 9562: of one's own making) out of a hash. */
function serialOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex')
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)]
  return `urn:uuid:${parts.join('-')}`
}

import { readFile } from 'node:fs/promises'
import { posix } from 'node:path'
import type { FoundImage } from '../hooks.ts'
import type { ArchiveTransport } from '../image/archives.ts'
import type { AppConfig } from '../image/cluster-config.ts'
import type { LayerEntry } from '../image/layer.ts'
import { buildErrors } from '../kubefile/errors.ts'
import type { Chart, ChartImages } from './chart.ts'
import { type ImageFile, imageFiles } from './image-files.ts'
import { readImageList } from './image-list.ts'
import { imagesInManifest, type ManifestImages } from './manifest-images.ts'
import { YamlProblem } from './yaml-documents.ts'

/** An archive or a layout folder of the build context, all of whose images are carried. */
export interface ListedArchive {
  readonly transport: ArchiveTransport
  /** In the build context. */
  readonly path: string
  /** The line that lists it. */
  readonly place: string
}

/** Container images that the files of an image name, with the reasons. */
export interface FoundImages {
  readonly images: readonly FoundImage[]
  readonly archives: readonly ListedArchive[]
  /** What could be an image and was not taken for one: `place: reason`. */
  readonly doubts: readonly string[]
}

/** Where to look. */
export interface SearchInput {
  /** Files of this build; those of the base have been looked through when it was built. */
  readonly entries: readonly LayerEntry[]
  readonly apps: readonly AppConfig[]
  /** A list from outside the image: its text, and its name for messages. */
  readonly list?: { readonly file: string; readonly text: string }
  /** Renders a chart; undefined when there is no helm. */
  readonly renderChart: ((chart: Chart) => Promise<ChartImages>) | undefined
}

const listFile = 'manifests/imageList'
/** Folders that are looked through. */
const looked = /^(?:manifests|charts|application\/apps)\//
const appFolder = /^application\/apps\/([^/]+)\//

/**
 * Looks through `manifests/`, `charts/` and the apps of an image. Each image keeps why it is here: file and line.
 * @throws MANIFEST_INVALID, IMAGE_LIST_INVALID, CHART_INVALID, CHART_TOOL_MISSING
 */
export async function findImages(input: SearchInput): Promise<FoundImages> {
  const findings = new Findings()
  const { files, broken } = imageFiles(input.entries)
  const charts = chartsIn(files, input.apps)
  for (const path of broken) if (looked.test(path)) findings.doubt(path, 'this link leads to nothing that is read here')
  await readLists(files, input, findings)
  const plain = files.filter(({ path }) => !charts.some((chart) => isWithin(path, chart.path)))
  await readManifests(plain, input.apps, findings)
  for (const chart of charts) await readChart(chart, input.renderChart, findings)
  return findings.result()
}

class Findings {
  readonly #images = new Map<string, { apps: Set<string>; reasons: Set<string> }>()
  readonly #doubts: string[] = []
  readonly #archives: ListedArchive[] = []
  /** Whether somebody has listed images by hand. */
  listed = false

  found(reference: string, place: string, app?: string): void {
    const known = this.#images.get(reference) ?? { apps: new Set(), reasons: new Set() }
    known.reasons.add(place)
    if (app !== undefined) known.apps.add(app)
    this.#images.set(reference, known)
  }

  doubt(place: string, reason: string): void {
    this.#doubts.push(`${place}: ${reason}`)
  }

  archive(archive: ListedArchive): void {
    this.#archives.push(archive)
  }

  result(): FoundImages {
    const images = [...this.#images].map(([reference, { apps, reasons }]) => ({
      reference,
      apps: [...apps],
      reasons: [...reasons],
    }))
    return { images, archives: this.#archives, doubts: this.#doubts }
  }
}

async function readLists(files: readonly ImageFile[], { list }: SearchInput, findings: Findings): Promise<void> {
  const own = files.find(({ path }) => path === listFile)
  const lists = [
    ...(own === undefined ? [] : [{ file: listFile, text: await readFile(own.source, 'utf8') }]),
    ...(list === undefined ? [] : [list]),
  ]
  for (const { file, text } of lists) {
    for (const listed of readImageList(text, file)) {
      findings.listed = true
      const place = `${file}:${listed.line}`
      if ('reference' in listed) findings.found(listed.reference, place)
      else findings.archive({ transport: listed.transport, path: listed.path, place })
    }
  }
}

async function readManifests(
  files: readonly ImageFile[],
  apps: readonly AppConfig[],
  findings: Findings,
): Promise<void> {
  for (const { path, source } of files) {
    const app = appFolder.exec(path)?.[1]
    if (!/\.(?:ya?ml|tmpl)$/.test(path) || !(path.startsWith('manifests/') || app !== undefined)) continue
    const found = readManifest(await readFile(source, 'utf8'), path, mustBeManifest(path, app, apps), findings)
    for (const { reference, line } of found.images) findings.found(reference, `${path}:${line}`, app)
    for (const { reason, line } of found.doubts) findings.doubt(`${path}:${line}`, reason)
  }
}

/** A file of another kind of app may be anything, e.g. values for a chart that a script installs. */
function mustBeManifest(path: string, app: string | undefined, apps: readonly AppConfig[]): boolean {
  if (path.endsWith('.tmpl')) return false
  return app === undefined || apps.some(({ name, type }) => name === app && type === 'kube')
}

const placeholder = 'sealer-template'

/** A template is read with its actions blanked out: what then still is a whole name is one. */
function readManifest(text: string, path: string, strict: boolean, findings: Findings): ManifestImages {
  try {
    const plain = path.endsWith('.tmpl')
      ? text.replaceAll(/^[ \t]*(?:\{\{[^\n]*?\}\}[ \t]*)+$/gm, '').replaceAll(/\{\{.*?\}\}/g, placeholder)
      : text
    const { images, doubts } = imagesInManifest(plain)
    const open = images.filter(({ reference }) => reference.includes(placeholder))
    return {
      images: images.filter((image) => !open.includes(image)),
      doubts: [
        ...doubts,
        ...open.map(({ line }) => ({
          line,
          reason: 'the name of this image is made by a template; list what it becomes in manifests/imageList',
        })),
      ],
    }
  } catch (cause) {
    if (!(cause instanceof YamlProblem)) throw cause
    if (strict) throw buildErrors.MANIFEST_INVALID({ place: `${path}:${cause.line}`, reason: cause.message }, { cause })
    findings.doubt(
      `${path}:${cause.line}`,
      `this is not read as a manifest (${cause.message}); list the images that it names in manifests/imageList`,
    )
    return { images: [], doubts: [] }
  }
}

async function readChart(chart: Chart, render: SearchInput['renderChart'], findings: Findings): Promise<void> {
  if (render === undefined) {
    if (!findings.listed) throw buildErrors.CHART_TOOL_MISSING({ chart: chart.path })
    return findings.doubt(
      chart.path,
      'there is no helm to render this chart; the image lists are trusted to name its images',
    )
  }
  const app = appFolder.exec(`${chart.path}/`)?.[1]
  const { images, doubts } = await render(chart)
  for (const { reference, place } of images) findings.found(reference, place, app)
  for (const { reason, place } of doubts) findings.doubt(place, reason)
}

/** Apps that are charts, charts below `charts/`, and those that other apps bring along; a chart inside a chart belongs to it. */
function chartsIn(files: readonly ImageFile[], apps: readonly AppConfig[]): Chart[] {
  const inApps = apps
    .filter(({ type }) => type === 'helm')
    .map(({ name, files: [file = '.'] }) => ({ path: posix.join('application/apps', name, file), release: name }))
  const loose = files
    .filter(({ path }) => /^(?:charts|application\/apps)\/.*\/Chart\.yaml$|^charts\/.*\.tgz$/.test(path))
    .map(({ path }) => (path.endsWith('.tgz') ? path : posix.dirname(path)))
    .map((path) => ({ path, release: posix.basename(path).replace(/(?:-[0-9].*)?\.tgz$/, '') }))
  const charts = [...inApps, ...loose.filter(({ path }) => !inApps.some((app) => app.path === path))]
  return charts
    .filter(({ path }) => !charts.some((other) => other.path !== path && isWithin(path, other.path)))
    .map((chart) => ({ ...chart, entries: files.filter(({ path }) => isWithin(path, chart.path)) }))
    .filter(({ entries }) => entries.length > 0)
}

const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`)

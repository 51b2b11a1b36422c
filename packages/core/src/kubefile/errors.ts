import { defineErrors, type SealerError } from '../errors.ts'
import type { Position } from './kubefile.ts'

/** Errors of reading a Kubefile and building what it says. */
export const buildErrors = defineErrors('core', {
  KUBEFILE_INVALID: {
    message: (d: { at: Position; line: string; reason: string; remedy: string }) =>
      `${d.at.file}:${d.at.line}:${d.at.column}: ${d.reason}\n${excerpt(d.at, d.line)}`,
    hint: (d) => d.remedy,
  },
  KUBEFILE_PROBLEMS: {
    message: (d: { file: string; count: number }) => `${d.file} has ${d.count} problems; nothing was built.`,
    hint: () => 'Each problem below names its line and its remedy.',
  },
  KUBEFILE_NOT_FOUND: {
    message: (d: { tried: readonly string[] }) => `There is no Kubefile: looked for ${d.tried.join(' and ')}.`,
    hint: () => 'Name the file with -f, or put a file named Kubefile into the build context.',
  },
  CONTEXT_NOT_FOUND: {
    message: (d: { context: string }) => `The build context ${d.context} is not a folder.`,
    hint: () => 'Give the folder that holds the files of the image, e.g. sealer build -t NAME .',
  },
  CONTEXT_FILE_CHANGED: {
    message: (d: { file: string }) => `${d.file} changed while it was being packed.`,
    hint: () => 'Build again when nothing writes into the build context.',
  },
  DOWNLOAD_FAILED: {
    message: (d: { place: string; url: string; reason: string }) =>
      `${d.place}: cannot download ${d.url}: ${d.reason}.`,
    hint: () => 'Try the address with curl. Where it cannot be reached, fetch the file by other means and COPY it.',
  },
  DOWNLOAD_CHECKSUM: {
    message: (d: { place: string; url: string; wanted: string; got: string }) =>
      `${d.place}: ${d.url} is ${d.got}, not ${d.wanted}.`,
    hint: () => 'The file at this address is not the one that was pinned. Find out why before you change --checksum.',
  },
  IMAGE_RULE_INVALID: {
    message: (d: { objects: string; reason: string }) =>
      `The rule for images in ${d.objects} cannot be read: ${d.reason}.`,
    hint: () =>
      'A path looks like spec.containers.*.image, an item is chosen by [name=web], a key with dots is ["a.b/c"].',
  },
  IMAGE_LIST_INVALID: {
    message: (d: { place: string; reason: string }) => `${d.place}: ${d.reason}`,
    hint: () =>
      'Write one image a line: a name, or oci:FOLDER, oci-archive:FILE, docker-archive:FILE with a path in the build context.',
  },
  IMAGE_LIST_WITH_LOGINS_INVALID: {
    message: (d: { place: string; reason: string }) => `${d.place}: ${d.reason}`,
    hint: () =>
      'Write a list of {registry, username, password, images: [NAME, …]}; the password may be env:NAME or file:PATH.',
  },
  IMAGE_RULES_INVALID: {
    message: (d: { file: string; reason: string }) => `The rules for images in ${d.file} cannot be read: ${d.reason}.`,
    hint: () => 'Write rules: [{group, kinds: [KIND, …], images: [spec.image, …]}].',
  },
  SEARCH_PATH_MISSING: {
    message: (d: { path: string }) => `There is nothing to look through at ${d.path}.`,
    hint: () => 'Name a folder of manifests or charts, a chart, a file, or - for standard input.',
  },
  CONTAINER_IMAGE_UNAVAILABLE: {
    message: (d: { image: string; places: readonly string[]; reason: string; remedy: string }) =>
      `The container image ${d.image} is needed (${d.places.slice(0, 3).join(', ')}${d.places.length > 3 ? ', …' : ''}) and cannot be fetched: ${d.reason}`,
    hint: (d) => d.remedy,
  },
  LOCK_INVALID: {
    message: (d: { file: string; reason: string }) => `The lock file ${d.file} cannot be read: ${d.reason}.`,
    hint: () => 'Take back the last change of it, or remove it: the next build writes it anew.',
  },
  LOCK_MISSING: {
    message: (d: { file: string }) => `The build is to keep to ${d.file}, but there is no such file.`,
    hint: () => 'Build once without --locked, and put the lock file under version control.',
  },
  LOCK_LACKS: {
    message: (d: { file: string; names: readonly string[]; platform: string }) =>
      `${d.file} does not pin ${d.names.slice(0, 5).join(', ')}${d.names.length > 5 ? ` and ${d.names.length - 5} more` : ''} for ${d.platform}.`,
    hint: () => 'Build without --locked: that adds what is missing and leaves the rest as it is.',
  },
  LOCK_BASE_GONE: {
    message: (d: { image: string; digest: string; reason: string }) =>
      `The lock file pins ${d.image} to ${d.digest}, which is neither in the store nor to be had: ${d.reason}`,
    hint: (d: { image: string }) => `If the new one is wanted: sealer build --update-image ${d.image}`,
  },
  CHART_TOOL_MISSING: {
    message: (d: { chart: string }) =>
      `The images of the chart ${d.chart} cannot be found: there is no helm, neither on PATH nor as bin/helm in the base image.`,
    hint: () =>
      'Install helm, or build FROM a base image that holds it, or list the images of the chart in manifests/imageList.',
  },
  CHART_INVALID: {
    message: (d: { chart: string; reason: string }) => `The chart ${d.chart} cannot be rendered:\n${d.reason}`,
    hint: () =>
      'Try it by hand: helm template. A chart that does not go without values of a site gets them for the build: --values FILE, or sealer.values.yaml (docs/guides/charts.md).',
  },
  KUSTOMIZE_MISSING: {
    message: (d: { kustomization: string }) =>
      `The images of the kustomization ${d.kustomization} cannot be found: there is neither kubectl nor kustomize, on PATH or below bin/ in the base image.`,
    hint: () => 'Install kubectl, or build FROM a base image that holds it, or list the images in manifests/imageList.',
  },
  KUSTOMIZATION_INVALID: {
    message: (d: { place: string; reason: string }) => `${d.place}: this kustomization cannot be rendered: ${d.reason}`,
    hint: () => 'Try it by hand: kubectl kustomize. It must do without a network, since a site has none.',
  },
  VALUES_INVALID: {
    message: (d: { file: string; reason: string }) => `The values in ${d.file} cannot be used: ${d.reason}`,
    hint: () => 'What may stand there: docs/guides/charts.md',
  },
  PARTS_INVALID: {
    message: (d: { file: string; reason: string }) => `${d.file} is no list of parts: ${d.reason}`,
    hint: () => 'PARTS.json is an array of {"name", "version", "licence", "source": "official" or "built"}.',
  },
  BUILD_BASE_MISSING: {
    message: (d: { image: string }) => `The base image ${d.image} is not in the store, and pulling is switched off.`,
    hint: (d) => `Pull it first: sealer pull ${d.image}`,
  },
})

/** The line of a Kubefile with a mark under the place. */
function excerpt(at: Position, line: string): string {
  const number = String(at.line)
  const before = line.slice(0, at.column - 1).replaceAll(/[^\t]/g, ' ')
  return `  ${number} | ${line}\n  ${' '.repeat(number.length)} | ${before}^`
}

/** What is needed to say where a problem is: the file's name and its text. */
export interface KubefileText {
  readonly file: string
  readonly text: string
}

/** A KUBEFILE_INVALID that shows its line. */
export function problemAt(source: KubefileText, at: Position, reason: string, remedy: string): SealerError {
  const line = source.text.split('\n')[at.line - 1] ?? ''
  return buildErrors.KUBEFILE_INVALID({ at, line: line.replace(/\r$/, '').replace(/^\uFEFF/, ''), reason, remedy })
}

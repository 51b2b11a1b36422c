import { posix } from 'node:path'
import type { AppConfig } from '../image/cluster-config.ts'
import type { LayerEntry } from '../image/layer.ts'
import { isKustomizationFile } from '../manifests/kustomization-files.ts'

/** What one source of an APP has brought: paths relative to the app's folder. */
export interface AppSource {
  readonly files: readonly string[]
}

/** How an app is launched, as its files tell; `chartAt` where a chart hides in a folder. */
export type AppType =
  | { readonly type: AppConfig['type']; readonly files: readonly string[] }
  | { readonly chartAt: string }

const isYaml = (file: string): boolean => /\.ya?ml$/.test(file)
const isShell = (file: string): boolean => file.endsWith('.sh')

/**
 * A chart has Chart.yaml at its top or is a packed `.tgz`; a kustomization at the top is applied as such; manifests are YAML alone, launched in
 * the order of the sources and of their paths; of shell scripts those of the first source are run. Anything else is `other` and needs
 * APPCMDS, also a tree of kustomizations of which none is at the top.
 */
export function appTypeOf(sources: readonly AppSource[]): AppType {
  const files = sources.flatMap((source) => source.files)
  const [only] = files
  if (files.includes('Chart.yaml')) return { type: 'helm', files: ['.'] }
  const kustomization = files.find(isKustomizationFile)
  if (kustomization !== undefined) return { type: 'kube', files: [kustomization] }
  if (files.length === 1 && only?.endsWith('.tgz')) return { type: 'helm', files }
  if (files.length > 0 && files.every(isShell)) return { type: 'shell', files: sources[0]?.files ?? [] }
  if (files.some((file) => isKustomizationFile(posix.basename(file)))) return { type: 'other', files: [] }
  if (files.length > 0 && files.every(isYaml)) {
    const chart = files.find((file) => file.endsWith('/Chart.yaml'))
    return chart === undefined ? { type: 'kube', files } : { chartAt: chart.slice(0, -'/Chart.yaml'.length) }
  }
  return { type: 'other', files: [] }
}

/** The files among entries, relative to a folder, in the order of a lexical walk. */
export function filesBelow(folder: string, entries: readonly LayerEntry[]): string[] {
  return entries.filter(({ kind }) => kind !== 'folder').map(({ path }) => path.slice(folder.length + 1))
}

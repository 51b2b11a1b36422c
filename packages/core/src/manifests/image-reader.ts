import type { AppConfig } from '../image/cluster-config.ts'
import type { LayerEntry } from '../image/layer.ts'
import type { ManifestImages, ManifestReading } from './manifest-images.ts'
import type { ProgramName } from './programs.ts'
import type { ChartSettings } from './value-sets.ts'

/** A file that may name container images: its path as users know it, and where its content is. Content is hostile. */
export type SearchedFile = Pick<Extract<LayerEntry, { kind: 'file' }>, 'path' | 'source' | 'size' | 'digest'>

/** Files that are read together: one manifest, or all of a chart. */
export interface ImageSource {
  /** Stands in messages, and says which app the source belongs to. */
  readonly path: string
  readonly files: readonly SearchedFile[]
}

/** A container image by its full name, and the place that names it: file and line, or the template of a chart. */
export interface NamedAt {
  readonly reference: string
  readonly place: string
  /** The object and the field, e.g. `Deployment web: spec.template.spec.containers[0].image`. */
  readonly field?: string
}

/** Something that may name an image and is not taken for one, or a source that could not be read. */
export interface LeftOut {
  readonly place: string
  readonly reason: string
  /** Worth no warning in a build, e.g. an image of a feature that is off. */
  readonly minor?: true
  /** The image that it would be, by its full name. */
  readonly reference?: string
}

/** What a source says about images. */
export interface ReadImages {
  readonly images: readonly NamedAt[]
  readonly doubts: readonly LeftOut[]
}

/**
 * Reads one kind of source: manifests, charts, a vendor's format. Readers are asked in the order of the hook `build.readers`; a file that
 * one has claimed is shown to no later one.
 */
export interface ImageReader {
  /** The kind in a word, e.g. `chart`. */
  readonly name: string
  /** The sources of this kind among these files. */
  claim(files: readonly SearchedFile[], search: ImageSearch): readonly ImageSource[] | Promise<readonly ImageSource[]>
  /** Reads one source. What is broken or odd in it is a doubt; an error ends a build. */
  read(source: ImageSource, search: ImageSearch): Promise<ReadImages>
}

/** What readers may know and use. */
export interface ImageSearch {
  readonly apps: readonly AppConfig[]
  /** Files that a source may build upon, and that are no sources themselves. */
  readonly beside?: readonly SearchedFile[]
  /** How a chart is rendered: with which sets of values, for what cluster. */
  settingsOf(chart: { readonly path: string; readonly release: string }): Promise<ChartSettings>
  /** Whether somebody has listed images by hand, so that what cannot be read is not fatal. */
  readonly listed: boolean
  /** Whether nothing in a source is fatal, since nothing is built of it. */
  readonly lenient?: true
  /** Folder for what can be found out again. */
  readonly cache: string
  readonly signal?: AbortSignal
  /** Path of the first of these programs: of this machine, else of the image. Undefined when there is none. */
  program(...names: readonly ProgramName[]): Promise<string | undefined>
  /** Another text for other rules: what is remembered of a source holds for these alone. */
  readonly rules: string
  /** What manifests name, e.g. those that a source renders into. Lines count from 1. */
  imagesIn(manifests: string, how?: ManifestReading): ManifestImages
}

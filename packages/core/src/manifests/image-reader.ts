import type { AppConfig } from '../image/cluster-config.ts'
import type { LayerEntry } from '../image/layer.ts'
import type { ManifestImages } from './manifest-images.ts'

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
}

/** Something that may name an image and is not taken for one, or a source that could not be read. */
export interface LeftOut {
  readonly place: string
  readonly reason: string
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
  /** Version of Kubernetes that charts are told they run on. */
  readonly kubernetes?: string
  /** API groups and versions beside Kubernetes' own, e.g. `monitoring.coreos.com/v1`. */
  readonly apiVersions: readonly string[]
  /** Each is one set of value files for charts; a chart's own values are a set by themselves. */
  readonly valueSets: readonly (readonly string[])[]
  /** Whether somebody has listed images by hand, so that what cannot be read is not fatal. */
  readonly listed: boolean
  /** Folder for what can be found out again. */
  readonly cache: string
  readonly signal?: AbortSignal
  /** Path of the program `helm`: of this machine, else of the image. Undefined when there is none. */
  helm(): Promise<string | undefined>
  /** What manifests name, e.g. those that a source renders into. Lines count from 1. @throws YamlProblem */
  imagesIn(manifests: string): ManifestImages
}

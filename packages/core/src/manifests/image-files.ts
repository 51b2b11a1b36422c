import { posix } from 'node:path'
import type { LayerEntry } from '../image/layer.ts'

/** A file of the image that is built. */
export type ImageFile = Extract<LayerEntry, { kind: 'file' }>

/** Files of an image, also those that symbolic links stand for; `broken` are links to something that this build does not add. */
export interface ImageFiles {
  readonly files: readonly ImageFile[]
  readonly broken: readonly string[]
}

/** Longest chain of links; more is a circle. */
const mostHops = 10

/** Sees an image as programs on a host will see it: a link to a file is that file under another name. */
export function imageFiles(entries: readonly LayerEntry[]): ImageFiles {
  const byPath = new Map(entries.map((entry) => [entry.path, entry]))
  const files: ImageFile[] = []
  const broken: string[] = []
  for (const { path, kind } of entries) {
    const end = follow(path, byPath)
    if (end?.kind === 'file') files.push({ ...end, path })
    else if (kind === 'link') broken.push(path)
  }
  return { files, broken }
}

function follow(path: string, byPath: ReadonlyMap<string, LayerEntry>): LayerEntry | undefined {
  let entry = byPath.get(path)
  for (let hops = 0; entry?.kind === 'link' && hops < mostHops; hops++) {
    const target = posix.join('/', posix.dirname(entry.path), entry.target)
    entry = entry.target.startsWith('/') ? undefined : byPath.get(target.slice(1))
  }
  return entry
}

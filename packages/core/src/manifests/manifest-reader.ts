import { readFile } from 'node:fs/promises'
import type { ImageReader, ImageSearch, ImageSource, ReadImages } from './image-reader.ts'
import { withoutActions } from './template-text.ts'

/** Bytes of the largest file that is read. The largest bundle of manifests known to us has a fifth of that. */
const mostBytes = 32 * 1024 ** 2

/** Reads files of YAML and JSON, and templates of such. */
export function manifestReader(): ImageReader {
  return {
    name: 'manifest',
    claim: (files) =>
      files.filter(({ path }) => isManifest.test(path)).map((file) => ({ path: file.path, files: [file] })),
    read: readManifest,
  }
}

/** The commands of an app may use any YAML, so its keys are believed. */
const isOfApp = /^application\/apps\/[^/]+\/.*\.ya?ml$/
const isManifest = /\.(?:ya?ml|json|tmpl)$/

async function readManifest({ path, files }: ImageSource, search: ImageSearch): Promise<ReadImages> {
  const [file] = files
  if (file === undefined) return { images: [], doubts: [] }
  if (file.size > mostBytes)
    return { images: [], doubts: [{ place: path, reason: `this is not read: it is larger than ${mostBytes} bytes` }] }
  const text = await readFile(file.source, 'utf8')
  const { images, doubts } = search.imagesIn(path.endsWith('.tmpl') ? withoutActions(text) : text, {
    loose: isOfApp.test(path),
  })
  return {
    images: images.map(({ line, ...image }) => ({ ...image, place: `${path}:${line}` })),
    doubts: doubts.map(({ line, broken: _, ...doubt }) => ({ ...doubt, place: `${path}:${line}` })),
  }
}

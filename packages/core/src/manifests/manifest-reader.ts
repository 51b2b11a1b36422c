import { readFile } from 'node:fs/promises'
import type { AppConfig } from '../image/cluster-config.ts'
import { buildErrors } from '../kubefile/errors.ts'
import type { ImageReader, ImageSearch, ImageSource, ReadImages } from './image-reader.ts'
import type { ManifestImages } from './manifest-images.ts'
import { YamlProblem } from './yaml-documents.ts'

/** Reads files of YAML, and templates of such. */
export function manifestReader(): ImageReader {
  return {
    name: 'manifest',
    claim: (files) =>
      files
        .filter(({ path }) => /^(?:manifests|application\/apps\/[^/]+)\/.*\.(?:ya?ml|tmpl)$/.test(path))
        .map((file) => ({ path: file.path, files: [file] })),
    read: readManifest,
  }
}

/** @throws MANIFEST_INVALID */
async function readManifest({ path, files }: ImageSource, search: ImageSearch): Promise<ReadImages> {
  const [file] = files
  const text = file === undefined ? '' : await readFile(file.source, 'utf8')
  try {
    const { images, doubts } = path.endsWith('.tmpl') ? imagesInTemplate(text, search) : search.imagesIn(text)
    return {
      images: images.map(({ reference, line }) => ({ reference, place: `${path}:${line}` })),
      doubts: doubts.map(({ reason, line }) => ({ reason, place: `${path}:${line}` })),
    }
  } catch (cause) {
    if (!(cause instanceof YamlProblem)) throw cause
    const place = `${path}:${cause.line}`
    if (mustBeManifest(path, search.apps))
      throw buildErrors.MANIFEST_INVALID({ place, reason: cause.message }, { cause })
    const reason = `this is not read as a manifest (${cause.message}); list the images that it names in manifests/imageList`
    return { images: [], doubts: [{ place, reason }] }
  }
}

const placeholder = 'sealer-template'

/** A template is read with its actions blanked out: what then still is a whole name is one. */
function imagesInTemplate(text: string, search: ImageSearch): ManifestImages {
  const plain = text.replaceAll(/^[ \t]*(?:\{\{[^\n]*?\}\}[ \t]*)+$/gm, '').replaceAll(/\{\{.*?\}\}/g, placeholder)
  const { images, doubts } = search.imagesIn(plain)
  const open = images.filter(({ reference }) => reference.includes(placeholder))
  const reason = 'the name of this image is made by a template; list what it becomes in manifests/imageList'
  return {
    images: images.filter((image) => !open.includes(image)),
    doubts: [...doubts, ...open.map(({ line }) => ({ line, reason }))],
  }
}

/** A file of another kind of app may be anything, e.g. values for a chart that a script installs. */
function mustBeManifest(path: string, apps: readonly AppConfig[]): boolean {
  if (path.endsWith('.tmpl')) return false
  const app = /^application\/apps\/([^/]+)\//.exec(path)?.[1]
  return app === undefined || apps.some(({ name, type }) => name === app && type === 'kube')
}

import { SealerError } from '../errors.ts'
import type { ArchiveTransport } from '../image/archives.ts'
import { fullName, parseReference } from '../image/reference.ts'
import { buildErrors } from '../kubefile/errors.ts'

/** One line of an image list. */
export type ListedImage = { readonly line: number } & (
  | { readonly reference: string }
  | { readonly transport: ArchiveTransport; readonly path: string }
)

/**
 * Reads a list of container images: one a line, `#` begins a comment, quotes around a line are dropped. `oci:FOLDER`,
 * `oci-archive:FILE` and `docker-archive:FILE` stand for all images that lie there, under their own names.
 * @throws IMAGE_LIST_INVALID
 */
export function readImageList(text: string, file: string): ListedImage[] {
  return listLines(text).map(({ line, content }) => ({ line, ...readLine(content, `${file}:${line}`) }))
}

/** What the lines of a list say, without comments, quotes and empty lines. */
export function listLines(text: string): { readonly line: number; readonly content: string }[] {
  return text.split(/\r?\n/).flatMap((raw, index) => {
    const content = raw
      .replace(/^\uFEFF/, '')
      .replace(/(^|\s)#.*$/, '')
      .trim()
      .replace(/^(["'])(.*)\1$/, '$2')
      .trim()
    return content === '' ? [] : [{ line: index + 1, content }]
  })
}

function readLine(
  content: string,
  place: string,
): { reference: string } | { transport: ArchiveTransport; path: string } {
  const [, transport, path] = /^(oci|oci-archive|docker-archive):(.+)$/.exec(content) ?? []
  if (transport !== undefined && path !== undefined) return { transport: transport as ArchiveTransport, path }
  try {
    return { reference: fullName(parseReference(content)) }
  } catch (cause) {
    if (!SealerError.is(cause)) throw cause
    throw buildErrors.IMAGE_LIST_INVALID({ place, reason: cause.message }, { cause })
  }
}

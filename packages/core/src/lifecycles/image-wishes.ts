import { readFile } from 'node:fs/promises'
import type { SealerError } from '../errors.ts'
import { buildErrors } from '../kubefile/errors.ts'
import type { NamedText } from '../manifests/ignore-list.ts'
import type { ImageRule } from '../manifests/image-rules.ts'
import { type ImagesWithLogin, readListWithLogins } from '../manifests/list-with-logins.ts'
import { readRules } from '../manifests/rules-file.ts'

/** Files in which users say what a search for container images cannot know. */
export interface ImageWishFiles {
  /** One container image a line. */
  readonly imageList?: string
  /** Container images with logins: YAML, `[{registry, username, password, images}]`. The logins are used for these images alone, and not kept. */
  readonly imageListWithAuth?: string
  /** Container images that are left out, one a line: names, or patterns with `*`. */
  readonly ignoredImageList?: string
  /** Where custom resources name images, in YAML: `rules: [{group, kinds, images}]`. */
  readonly imageRules?: string
}

/** What those files say. */
export interface ImageWishes {
  readonly lists: readonly NamedText[]
  readonly withLogins: readonly ImagesWithLogin[]
  readonly ignored: readonly NamedText[]
  readonly rules: readonly ImageRule[]
}

/** @throws IMAGE_LIST_INVALID, IMAGE_LIST_WITH_LOGINS_INVALID, IMAGE_RULES_INVALID */
export async function readImageWishes(files: ImageWishFiles): Promise<ImageWishes> {
  const { imageList, imageListWithAuth, ignoredImageList, imageRules } = files
  const unreadable = 'this list cannot be read.'
  const noList = (place: string) => buildErrors.IMAGE_LIST_INVALID({ place, reason: unreadable })
  const noLogins = (place: string) => buildErrors.IMAGE_LIST_WITH_LOGINS_INVALID({ place, reason: unreadable })
  const noRules = (file: string) => buildErrors.IMAGE_RULES_INVALID({ file, reason: 'there is no such file to read' })
  return {
    lists: await textsOf(imageList, noList),
    withLogins: (await textsOf(imageListWithAuth, noLogins)).flatMap(readListWithLogins),
    ignored: await textsOf(ignoredImageList, noList),
    rules: (await textsOf(imageRules, noRules)).flatMap(readRules),
  }
}

async function textsOf(file: string | undefined, refusal: (file: string) => SealerError): Promise<NamedText[]> {
  if (file === undefined) return []
  const text = await readFile(file, 'utf8').catch(() => {
    throw refusal(file)
  })
  return [{ file, text }]
}

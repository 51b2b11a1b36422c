import { resolve } from 'node:path'
import type { ImageWishFiles } from '@sealer/core'
import type { Command } from 'commander'

/** Files that say what reading cannot find. */
export interface ImageWishFlags {
  readonly imageList?: string
  readonly imageListWithAuth?: string
  readonly ignoredImageList?: string
  readonly imageRules?: string
}

/** Options of the commands that look for container images. */
export function withImageWishOptions(command: Command): Command {
  return command
    .option('--image-list <file>', 'container images to carry beside those found, one a line')
    .option(
      '--image-list-with-auth <file>',
      'the same with logins: a YAML list of {registry, username, password, images}',
    )
    .option('--ignored-image-list <file>', 'container images to leave out, one a line: names, or patterns with *')
    .option('--image-rules <file>', 'where custom resources name images, in YAML')
}

/** The flags as the library takes them. */
export function imageWishesOf({
  imageList,
  imageListWithAuth,
  ignoredImageList,
  imageRules,
}: ImageWishFlags): ImageWishFiles {
  return {
    ...(imageList === undefined ? {} : { imageList }),
    ...(imageListWithAuth === undefined ? {} : { imageListWithAuth: resolve(imageListWithAuth) }),
    ...(ignoredImageList === undefined ? {} : { ignoredImageList: resolve(ignoredImageList) }),
    ...(imageRules === undefined ? {} : { imageRules: resolve(imageRules) }),
  }
}

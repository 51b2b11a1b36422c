import type { Platform } from '@sealer/core'
import { errors } from '../errors.ts'

/** `linux/arm64` or `linux/arm/v7` as data. */
export function platformOf(text: string): Platform {
  const [os, architecture, variant, ...rest] = text.split('/')
  if (os === undefined || os === '' || architecture === undefined || architecture === '' || rest.length > 0) {
    throw errors.OPTION_INVALID({
      option: '--platform',
      value: text,
      reason: 'write it like linux/amd64 or linux/arm64',
    })
  }
  return { os, architecture, ...(variant === undefined ? {} : { variant }) }
}

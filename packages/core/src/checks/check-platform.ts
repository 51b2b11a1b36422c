import { type Platform, platformText } from '../hosts/host.ts'
import type { KnownHost } from '../runtime.ts'
import type { CheckResult } from '../sealer.ts'
import { failed } from './result.ts'

/** The problem of a host for which the image holds nothing. */
export function misfit({ view, facts }: KnownHost, image: string, available: readonly Platform[]): CheckResult {
  const platform = platformText(facts.platform)
  return failed(
    'host-platform',
    view.name,
    `it is ${platform}, but ${image} holds only ${available.map(platformText).join(', ')}`,
    `Build the image with --platform ${platform} too, or take hosts that fit.`,
  )
}

import type { RuntimeContext } from '@sealer/core'
import { contextOn, type FakeHost } from '@sealer/core/testing'
import { type Site, siteOf } from '../site.ts'

/** The site of a cluster on fake hosts. For tests. */
export async function siteOn(hosts: readonly FakeHost[], overrides: Partial<RuntimeContext> = {}): Promise<Site> {
  return siteOf(await contextOn(hosts, overrides))
}

import type { RuntimeContext, WantedDocument } from '@sealer/core'
import { contextOn, type FakeHost, wantedOn } from '@sealer/core/testing'
import { type Site, siteOf } from '../site.ts'

/** The site of a cluster on fake hosts. For tests. */
export async function siteOn(hosts: readonly FakeHost[], overrides: Partial<RuntimeContext> = {}): Promise<Site> {
  return siteOf(await contextOn(hosts, overrides))
}

/** The same with documents of a Clusterfile. */
export const siteWith = async (hosts: readonly FakeHost[], documents: readonly WantedDocument[]): Promise<Site> =>
  await siteOn(hosts, { wanted: wantedOn(hosts, { documents }) })

import { readdir, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { dropClaim } from './claims.ts'
import { discard } from './disk.ts'
import { clusterPlaces, keyFile } from './layout.ts'
import { Machine } from './machine.ts'
import { hostNamespaces, removeNamespace } from './network.ts'
import { stopRelay } from './relay.ts'
import { clusterNames, readState } from './state.ts'

/** Takes away everything of a cluster that is found on this machine, whatever its state says, and its claim. Safe to repeat. */
export async function clearCluster(home: string, cluster: string): Promise<void> {
  await clearLeftovers(home, cluster)
  await dropClaim(home, cluster)
}

/** The same, but its name and network stay claimed. */
export async function clearLeftovers(home: string, cluster: string): Promise<void> {
  const places = clusterPlaces(home, cluster)
  const state = await readState(home, cluster).catch(() => undefined)
  await stopRelay(home, cluster)
  const names = new Set(state?.hosts.map(({ name }) => name))
  for (const name of await readdir(join(places.folder, 'hosts')).catch(() => [])) names.add(name)
  for (const name of await hostNamespaces(places.namespace)) names.add(name.slice(places.namespace.length + 1))
  await Promise.all(
    [...names].map(async (name) => {
      const host = state?.hosts.find((one) => one.name === name)
      await new Machine(home, cluster, host ?? { name, role: 'node', address: '', link: 'none' }).delete()
    }),
  )
  await removeNamespace(places.namespace)
  await discard(places.folder)
}

/** The last cluster takes the key along. */
export async function tidyHome(home: string): Promise<void> {
  if ((await clusterNames(home)).length > 0) return
  await rm(keyFile(home), { force: true })
  // Folders that others still use, or that were never made, stay as they are; the last two are nspawn's own.
  for (const folder of [join(home, 'local'), '/run/systemd/nspawn/propagate', '/run/systemd/nspawn']) {
    await rmdir(folder).catch(() => {})
  }
}

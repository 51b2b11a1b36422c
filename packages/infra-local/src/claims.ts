import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { errors } from './errors.ts'
import { clusterPlaces, namespaceFile, runtimeFolder } from './layout.ts'
import { withLock } from './lock.ts'
import { clusterNames, readState, writeWhole } from './state.ts'

/** A name and a network of this machine belong to one home. Claims live as long as the boot; a start makes them again. */
interface Claim {
  readonly cluster: string
  readonly home: string
  readonly network: number
}

/**
 * Takes the name and a free network for a cluster, or the network that it had.
 * @throws LOCAL_NAME_TAKEN, LOCAL_NETWORKS_USED_UP
 */
export async function claim(home: string, cluster: string, known?: number, signal?: AbortSignal): Promise<number> {
  const take = async () => {
    const claims = await standingClaims()
    const other = claims.find((one) => (one.cluster === cluster ? one.home !== home : one.network === known))
    if (other !== undefined) throw errors.LOCAL_NAME_TAKEN({ cluster, home: other.home })
    const network = known ?? (await freeNetwork(home, cluster))
    const mine: Claim = { cluster, home, network }
    await writeWhole(clusterPlaces(home, cluster).claim, `${JSON.stringify(mine)}\n`)
    return network
  }
  return await withLock('claims', take, signal)
}

export async function dropClaim(home: string, cluster: string): Promise<void> {
  const mine = (await standingClaims()).find((one) => one.cluster === cluster)
  if (mine === undefined || mine.home === home) await rm(clusterPlaces(home, cluster).claim, { force: true })
}

/** Whether the name is another home's. */
export async function ownerOf(cluster: string): Promise<string | undefined> {
  return (await standingClaims()).find((one) => one.cluster === cluster)?.home
}

/** The network that a claim would give now. @throws LOCAL_NETWORKS_USED_UP */
export async function freeNetwork(home: string, cluster: string): Promise<number> {
  const claims = await standingClaims()
  const mine = claims.find((one) => one.cluster === cluster && one.home === home)
  if (mine !== undefined) return mine.network
  const used = new Set(claims.map(({ network }) => network))
  for (const name of await clusterNames(home)) used.add((await readState(home, name))?.network ?? 0)
  for (let network = 1; network <= 250; network += 1) if (!used.has(network)) return network
  throw errors.LOCAL_NETWORKS_USED_UP()
}

/** Claims behind which there is something: a cluster's state or its namespace. */
async function standingClaims(): Promise<readonly Claim[]> {
  const files = (await readdir(runtimeFolder).catch(() => [])).filter((name) => /^[^.].*\.json$/.test(name))
  const claims = await Promise.all(files.map(async (name) => await readClaim(join(runtimeFolder, name))))
  return claims.filter((one) => {
    if (one === undefined) return false
    const places = clusterPlaces(one.home, one.cluster)
    return existsSync(places.state) || existsSync(namespaceFile(places.namespace))
  }) as readonly Claim[]
}

async function readClaim(file: string): Promise<Claim | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Claim
  } catch {
    return undefined
  }
}

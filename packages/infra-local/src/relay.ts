import { spawn } from 'node:child_process'
import { mkdir, open, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { extname } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { errors } from './errors.ts'
import { clusterPlaces } from './layout.ts'
import { isAlive, killGroup, readMark } from './process-mark.ts'
import { isOpen } from './relay-process.ts'
import type { ClusterState } from './state.ts'

/** Starts the relay again when it ends. $1 mark; the rest is the relay. */
const program = `
trap '' HUP
read -r stat </proc/$$/stat
read -r boot </proc/sys/kernel/random/boot_id
mark=$1; shift
started=$(set -- \${stat##*) }; echo "\${20}")
printf '{"pid":%s,"started":"%s","boot":"%s"}\\n' "$$" "$started" "$boot" >"$mark.new" && mv "$mark.new" "$mark" || exit 1
until "$@"; do sleep 1; done
`

/**
 * Makes the relay hold the ports of `next` open, and waits until it does.
 * @param before what is exposed by now
 * @param settle what makes `next` the state of the cluster, once the new ports are known to be free
 * @throws LOCAL_PORT_TAKEN
 */
export async function openRelay(
  home: string,
  before: ClusterState,
  next: ClusterState,
  settle: () => Promise<void> = async () => {},
): Promise<void> {
  const places = clusterPlaces(home, next.cluster)
  const runs = isAlive(await readMark(places.relay))
  const held = runs ? before.exposed.map(({ local }) => local) : []
  for (const { local } of next.exposed) if (!held.includes(local)) await checkFree(local)
  await settle()
  if (!runs) await launch(home, next.cluster)
  for (const { local } of next.exposed) await opened(local)
}

/** Safe to repeat. */
export async function stopRelay(home: string, cluster: string): Promise<void> {
  const places = clusterPlaces(home, cluster)
  killGroup(await readMark(places.relay))
  await rm(places.relay, { force: true })
}

async function launch(home: string, cluster: string): Promise<void> {
  const places = clusterPlaces(home, cluster)
  await mkdir(places.folder, { recursive: true, mode: 0o700 })
  await using log = await open(places.relayLog, 'a', 0o600)
  const main = fileURLToPath(new URL(`./relay-main${extname(import.meta.url)}`, import.meta.url))
  const relay = [process.execPath, ...process.execArgv, main, home, cluster] // from sources, execArgv holds what reads them
  const child = spawn('sh', ['-c', program, `sealer-relay ${cluster}`, places.relay, ...relay], {
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  })
  await new Promise((started, failed) => child.once('spawn', started).once('error', failed))
  child.unref()
}

async function checkFree(port: number): Promise<void> {
  const server = createServer()
  try {
    await new Promise<void>((free, taken) => {
      server.once('error', taken)
      server.listen(port, '127.0.0.1', free)
    })
    await new Promise((closed) => server.close(closed))
  } catch (cause) {
    throw errors.LOCAL_PORT_TAKEN({ port, reason: (cause as Error).message }, { cause })
  }
}

async function opened(port: number): Promise<void> {
  for (let wait = 0; wait < 400; wait += 1) {
    if (await isOpen(port)) return
    await setTimeout(50)
  }
  throw errors.LOCAL_PORT_TAKEN({
    port,
    reason: 'the relay does not come up, see relay.log in the folder of the cluster',
  })
}

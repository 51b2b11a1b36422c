import pMap from 'p-map'
import { clusterPaths, dataRoot } from '../distribution/paths.ts'
import { SealerError } from '../errors.ts'
import type { HostView } from '../hosts/host.ts'
import type { KnownHost, Runtime } from '../runtime.ts'
import type { CheckResult } from '../sealer.ts'
import type { Wanted } from '../wanted.ts'
import { checkClocks, checkNames } from './among-hosts.ts'
import { failed, passed, warned } from './result.ts'

/** What is checked before anything is changed. */
export interface HostsToCheck {
  readonly hosts: readonly KnownHost[]
  /** Hosts that said nothing of themselves, and why. */
  readonly failures: readonly { readonly host: HostView; readonly error: Error }[]
  readonly wanted: Wanted
  readonly runtime: Runtime
  /** Bytes that each host has yet to receive, by its name. */
  readonly needBytes: ReadonlyMap<string, number>
}

/** What arrives is kept as it is, unpacked, and unpacked once more by the container runtime. */
const spaceFactor = 3
/** Left over for logs and for what pods write. */
const spaceReserve = 512 * 1024 ** 2

/**
 * Checks all hosts in all respects, and gives every problem with its remedy. Only asks. What belongs to this very cluster, finished or not, is
 * no problem: a second run goes on where the first has stopped.
 */
export async function checkHosts({
  hosts,
  failures,
  wanted,
  runtime,
  needBytes,
}: HostsToCheck): Promise<readonly CheckResult[]> {
  const unreached = failures.map(({ host, error }) => unreachable(host, error))
  const single = await pMap(hosts, (host) => checkHost(host, { wanted, runtime, needBytes }), { concurrency: 16 })
  return [...unreached, ...single.flat(), ...checkNames(wanted, hosts), ...checkClocks(hosts)]
}

type Surroundings = Pick<HostsToCheck, 'wanted' | 'runtime' | 'needBytes'>

async function checkHost(host: KnownHost, around: Surroundings): Promise<readonly CheckResult[]> {
  const space = checkSpace(host, around.needBytes.get(host.view.name) ?? 0)
  const swap = checkSwap(host, around.runtime)
  if (!host.exists) return [space, swap]
  try {
    const belongs = await host.view.has(clusterPaths(around.wanted.cluster).folder)
    const rest = await Promise.all([
      checkRoot(host),
      checkSystem(host),
      belongs ? [] : checkPorts(host, around),
      checkLeftovers(host, around, belongs),
    ])
    return [passed('host-reachable', host.view.name, 'answers'), space, swap, ...rest.flat()]
  } catch (error) {
    return [unreachable(host.view, error instanceof Error ? error : new Error(String(error)))]
  }
}

/** What kept a host from saying anything, by the code of its error. */
const reachability: Readonly<Record<string, string>> = {
  HOST_AUTH_FAILED: 'host-login',
  HOST_KEY_CHANGED: 'host-key',
  HOST_KEY_REVOKED: 'host-key',
  HOST_KEY_UNKNOWN: 'host-key',
  SUDO_FAILED: 'host-root',
  FACTS_UNREADABLE: 'host-facts',
}

function unreachable(host: HostView, error: Error): CheckResult {
  const id = SealerError.is(error) ? (reachability[error.code] ?? 'host-reachable') : 'host-reachable'
  const remedy = SealerError.is(error) ? error.hint : 'Check the address, the port and the SSH settings of this host.'
  return failed(id, host.name, error.message, remedy)
}

async function checkRoot({ view }: KnownHost): Promise<readonly CheckResult[]> {
  const uid = await view.ask('id', '-u')
  if (uid === '' || uid === '0') return [passed('host-root', view.name, 'commands run as root')]
  return [
    failed(
      'host-root',
      view.name,
      `commands run as user ${uid}, not as root`,
      'Log in as root, or as a user who may sudo (--user).',
    ),
  ]
}

async function checkSystem({ view }: KnownHost): Promise<readonly CheckResult[]> {
  const init = (await view.read('/proc/1/comm'))?.trim()
  if (init === undefined || init === 'systemd') return [passed('host-systemd', view.name, 'runs systemd')]
  return [
    failed(
      'host-systemd',
      view.name,
      `process 1 is ${init}, not systemd`,
      'Use a Linux distribution that is booted with systemd.',
    ),
  ]
}

async function checkPorts(
  { view, facts }: KnownHost,
  { wanted, runtime }: Surroundings,
): Promise<readonly CheckResult[]> {
  const master = view.roles.includes('master')
  const own = runtime.ports?.[master ? 'master' : 'node'] ?? []
  const needed = master && runtime.delivery === 'hosts' ? [...own, wanted.registry.port] : own
  const taken = [...new Set(needed)].filter((port) => facts.listening.includes(port))
  if (taken.length === 0) return [passed('port-free', view.name, 'all ports that are needed are free')]
  return await Promise.all(
    taken.map(async (port) => {
      const { stdout } = await view.inquire({ argv: ['ss', '-Hltnp', `sport = :${port}`], accept: [0, 1, 127, 255] })
      const who = /users:\(\("([^"]{1,50})",pid=(\d+)/.exec(stdout)
      const by = who === null ? 'another program' : `${who[1]} (process ${who[2]})`
      return failed(
        'port-free',
        view.name,
        `port ${port} is taken by ${by}`,
        `Stop what listens there; it shows up in: ss -ltnp 'sport = :${port}'`,
      )
    }),
  )
}

async function checkLeftovers(
  { view }: KnownHost,
  { wanted, runtime }: Surroundings,
  belongs: boolean,
): Promise<readonly CheckResult[]> {
  const listing = await view.inquire({ argv: ['ls', '-1', `${dataRoot}/clusters`], accept: [0, 1, 2] })
  const others = listing.stdout
    .split('\n')
    .filter((name) => /^[a-z0-9][a-z0-9.-]{0,62}$/.test(name) && name !== wanted.cluster)
  if (others.length > 0) {
    const names = others.join(', ')
    return [
      failed(
        'host-leftovers',
        view.name,
        `it belongs to the cluster ${names}`,
        `Choose another host, or take that cluster off first: sealer delete ${others[0]}`,
      ),
    ]
  }
  if (belongs) return [passed('host-leftovers', view.name, `belongs to ${wanted.cluster}`)]
  const found = await Promise.all((runtime.traces ?? []).map(async (path) => ((await view.has(path)) ? [path] : [])))
  const traces = found.flat()
  if (traces.length === 0) return [passed('host-leftovers', view.name, 'holds nothing of another cluster')]
  return [
    failed(
      'host-leftovers',
      view.name,
      `it holds what another cluster or container runtime has left: ${traces.join(', ')}`,
      'Use a fresh host, or remove that installation with the tool that made it.',
    ),
  ]
}

function checkSpace({ view, facts }: KnownHost, bytes: number): CheckResult {
  const needed = bytes === 0 ? 0 : bytes * spaceFactor + spaceReserve
  const text = `${inMegabytes(needed)} needed, ${inMegabytes(facts.diskFreeBytes)} free`
  if (facts.diskFreeBytes >= needed) return passed('disk-space', view.name, `disk: ${text}`)
  return failed(
    'disk-space',
    view.name,
    `the disk of ${dataRoot} is too small: ${text}`,
    `Free space there, or mount a larger disk at ${dataRoot}.`,
  )
}

function checkSwap({ view, facts }: KnownHost, { name, needsSwapOff = false }: Runtime): CheckResult {
  if (!facts.swap) return passed('swap-off', view.name, 'has no swap in use')
  const remedy = 'Turn it off: swapoff -a, and take the swap lines out of /etc/fstab.'
  return needsSwapOff
    ? failed('swap-off', view.name, `swap is on, and ${name} does not start with it`, remedy)
    : warned('swap-off', view.name, 'swap is on; pods may become slow without a reason that shows', remedy)
}

const inMegabytes = (bytes: number): string => `${Math.ceil(bytes / 1024 ** 2)} MB`

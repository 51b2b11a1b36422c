import type { KnownHost } from '../runtime.ts'
import type { CheckResult } from '../sealer.ts'
import type { Wanted } from '../wanted.ts'
import { failed, passed, warned } from './result.ts'

/** Milliseconds by which a clock may differ: certificates and etcd's leases go by it. */
const clockLimit = 30_000

/** Names are how the cluster tells hosts apart. */
export function checkNames(wanted: Wanted, hosts: readonly KnownHost[]): readonly CheckResult[] {
  const named = [
    ...twice(
      'unique-name',
      'name',
      hosts,
      ({ view }) => view.name,
      'Give each host a name of its own (hostnamectl set-hostname).',
    ),
    ...twice('unique-address', 'address', hosts, ({ view }) => placeOf(view.spec), 'List each host once.'),
  ]
  const problems = [
    ...named,
    ...twice(
      'unique-hostname',
      'hostname',
      hosts,
      ({ facts }) => facts.hostname,
      'Give each host a hostname of its own: hostnamectl set-hostname NAME',
    ).filter(({ host }) => !named.some((one) => one.host === host)),
  ]
  const copies = twice('unique-machine-id', 'machine id', hosts, ({ facts }) => facts.machineId, copiedRemedy).map(
    ({ id, host = '', message }) => warned(id, host, `${message}; they are copies of one disk`, copiedRemedy),
  )
  return problems.length > 0
    ? [...problems, ...copies]
    : [passed('unique-name', wanted.cluster, 'every host has a name of its own'), ...copies]
}

const copiedRemedy = 'On each copy: rm /etc/machine-id; systemd-machine-id-setup; reboot.'

const placeOf = ({ address, ssh }: KnownHost['view']['spec']): string =>
  ssh === undefined || ssh.port === 22 ? address : `${address} port ${ssh.port}`

/** One problem for each value that several hosts share; it stands with the last of them. */
function twice(
  id: string,
  what: string,
  hosts: readonly KnownHost[],
  shared: (host: KnownHost) => string,
  remedy: string,
): readonly CheckResult[] {
  const sharing = new Map<string, KnownHost[]>()
  for (const host of hosts) sharing.set(shared(host), [...(sharing.get(shared(host)) ?? []), host])
  return [...sharing].flatMap(([value, group]) => {
    const last = group.at(-1)
    if (value === '' || group.length < 2 || last === undefined) return []
    const who = group.map(({ view }) => (what === 'name' ? view.address : view.name)).join(', ')
    return [failed(id, last.view.name, `${who} share the ${what} ${value}`, remedy)]
  })
}

/** Hosts among each other; the operator's own clock is not judged by more than a warning. */
export function checkClocks(hosts: readonly KnownHost[]): readonly CheckResult[] {
  const running = hosts.filter(({ exists }) => exists)
  if (running.length === 0) return []
  const middle = median(running.map(({ facts }) => facts.clockSkewMs))
  const single = running.map(({ view, facts }) => {
    const off = facts.clockSkewMs - middle
    return Math.abs(off) <= clockLimit
      ? passed('clock', view.name, 'its clock agrees with the others')
      : failed(
          'clock',
          view.name,
          `its clock is ${seconds(off)} the other hosts'`,
          'Set it, and let chrony or systemd-timesyncd keep it.',
        )
  })
  if (Math.abs(middle) <= clockLimit) return single
  const remedy = 'Set the clock of this machine: certificates made here could not be valid yet over there.'
  return [
    ...single,
    warned(
      'clock-here',
      running[0]?.view.name ?? '',
      `the clocks of the hosts are ${seconds(middle)} this machine's`,
      remedy,
    ),
  ]
}

const seconds = (milliseconds: number): string =>
  `${Math.round(Math.abs(milliseconds) / 1000)} s ${milliseconds > 0 ? 'ahead of' : 'behind'}`

/** The lower one of two in the middle. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
}

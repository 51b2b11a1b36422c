import { isIP } from 'node:net'
import { errors } from '../errors.ts'
import type { HostFacts, Platform } from './host.ts'
import { plainText } from './output-lines.ts'

const longestValue = 256

/** `uname -m` as OCI names it (image-spec, image-index.md). */
const platforms: Readonly<Record<string, Omit<Platform, 'os'>>> = {
  x86_64: { architecture: 'amd64' },
  aarch64: { architecture: 'arm64' },
  armv7l: { architecture: 'arm', variant: 'v7' },
  armv6l: { architecture: 'arm', variant: 'v6' },
  i386: { architecture: '386' },
  i686: { architecture: '386' },
  loongarch64: { architecture: 'loong64' },
}

/**
 * Reads what the facts script printed; whatever else is there is passed over.
 * @param at when it ran, by the operator's clock, milliseconds since 1970
 * @throws FACTS_UNREADABLE when something is missing that nothing can go without
 */
export function parseFacts(host: string, text: string, at: number): HostFacts {
  const lines = text.split('\n').map((line) => /^([a-z-]+) (.*)$/.exec(line))
  const all = (name: string): string[] =>
    lines.flatMap((line) =>
      line?.[1] === name
        ? [
            plainText(line[2] ?? '')
              .trim()
              .slice(0, longestValue),
          ]
        : [],
    )
  const text1 = (name: string) => all(name)[0] ?? ''
  const number = (name: string): number => {
    const value = all(name).find((one) => /^\d{1,18}$/.test(one))
    if (value === undefined) throw errors.FACTS_UNREADABLE({ host, fact: name })
    return Number(value)
  }
  const needed = (name: string): string => {
    const value = text1(name)
    if (value === '') throw errors.FACTS_UNREADABLE({ host, fact: name })
    return value
  }
  needed('end')
  const machine = needed('machine')
  const cgroup = text1('cgroup') === 'cgroup2fs' ? 2 : 1
  return {
    platform: { os: 'linux', ...(platforms[machine] ?? { architecture: machine }) },
    os: { id: text1('os-id'), version: text1('os-version'), name: text1('os-name') },
    kernel: needed('kernel'),
    hostname: needed('hostname'),
    machineId: text1('machine-id'),
    cpus: number('cpus'),
    memoryBytes: number('memory') * 1024,
    swap: Number(text1('swaps')) > 0,
    cgroup,
    // In a container with cgroup v1 systemd holds its own hierarchy only, not those of the controllers.
    systemdCgroups: text1('systemd') === 'yes' && (cgroup === 2 || text1('container') !== 'yes'),
    oomScoreAdj: text1('oom') === 'yes',
    writableSysctls: text1('sysctls') === 'yes',
    diskFreeBytes: number('disk') * 1024,
    listening: [
      ...new Set(
        all('listen')
          .filter((port) => /^[\dA-F]{4}$/i.test(port))
          .map((port) => Number.parseInt(port, 16)),
      ),
    ].toSorted((a, b) => a - b),
    clockSkewMs: Math.round(timeOf(text1('time'), number('seconds')) - at),
    addresses: [
      ...new Set(
        all('address')
          .map((address) => address.replace(/\/.*$/, ''))
          .filter(isReachable),
      ),
    ],
  }
}

/** Milliseconds since 1970; a `date` without nanoseconds knows whole seconds only. */
const timeOf = (nanoseconds: string, seconds: number): number =>
  /^\d{19}$/.test(nanoseconds) ? Number(nanoseconds.slice(0, -6)) : seconds * 1000 + 500

const isReachable = (address: string): boolean =>
  isIP(address) !== 0 && !address.startsWith('127.') && address !== '::1' && !/^fe[89ab]/i.test(address)

import type { HostFacts } from '../hosts/host.ts'

/** A bare x86 Debian host with nothing on it. */
export const defaultFacts: Omit<HostFacts, 'hostname' | 'machineId' | 'addresses'> = {
  platform: { os: 'linux', architecture: 'amd64' },
  os: { id: 'debian', version: '12', name: 'Debian GNU/Linux 12 (bookworm)' },
  kernel: '6.1.0-18-amd64',
  cpus: 4,
  memoryBytes: 8 * 1024 ** 3,
  swap: false,
  cgroup: 2,
  systemdCgroups: true,
  oomScoreAdj: true,
  writableSysctls: true,
  diskFreeBytes: 100 * 1024 ** 3,
  listening: [22],
  clockSkewMs: 0,
}

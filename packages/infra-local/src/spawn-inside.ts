import { type ChildProcess, spawn } from 'node:child_process'
import { namespaceFile } from './layout.ts'

/** Whose streams a program gets. */
export type Streams = 'inherit' | 'pipe'

/** A program of this machine, with the network of a cluster. */
export function spawnInNetwork(namespace: string, argv: readonly string[], stdio: Streams): ChildProcess {
  return spawn('nsenter', [`--net=${namespaceFile(namespace)}`, '--', ...argv], { stdio })
}

/** A program of a host, on the host. @param init process 1 of the host, as this machine numbers it */
export function spawnOnHost(init: number, argv: readonly string[], stdio: Streams): ChildProcess {
  const namespaces = ['--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup']
  return spawn('nsenter', [`--target=${init}`, ...namespaces, '--wdns=/root', '--', ...argv], {
    stdio,
    env: {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/root',
      TERM: process.env.TERM,
    },
  })
}

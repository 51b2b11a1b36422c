import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { namespaceFile } from './layout.ts'

/**
 * The first process of every host that runs, found by the kernel's own words: it lives in the host's network namespace and
 * is number 1 one pid namespace below ours. Keys are the numbers of the network namespaces.
 */
export function runningInits(): ReadonlyMap<number, number> {
  const inits = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const numbers = /^NSpid:\s+(.*)$/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1]?.split(/\s+/) ?? []
      if (numbers.length !== 2 || numbers[1] !== '1') continue
      const net = /\[(\d+)\]/.exec(readlinkSync(`/proc/${name}/ns/net`))?.[1]
      if (net !== undefined) inits.set(Number(net), Number(name))
    } catch {} // it has ended meanwhile
  }
  return inits
}

/** Process 1 of the host with this network namespace, as this machine numbers it; undefined when the host does not run. */
export function initOf(namespace: string, inits: ReadonlyMap<number, number> = runningInits()): number | undefined {
  try {
    return inits.get(statSync(namespaceFile(namespace)).ino)
  } catch {
    return undefined
  }
}

import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tool } from './run-tool.ts'

/** What of this machine carries a cluster's name: all of it is to be gone with the cluster. */
export async function machineTraces(cluster: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const namespaces = await tool('ip', 'netns')
  const mounts = await tool('cat', '/proc/self/mounts')
  const groups = await tool('find', '/sys/fs/cgroup', '-type', 'd', '-name', `${cluster}*`)
  const processes = await tool('ps', '-eo', 'pid,args')
  const ours = (lines: string) => lines.split('\n').filter((line) => line.includes(cluster))
  const claims = existsSync('/run/sealer-local') ? await readdir('/run/sealer-local') : []
  return {
    namespaces: ours(namespaces),
    mounts: ours(mounts),
    groups: ours(groups),
    processes: ours(processes).filter((line) => !line.includes('.e2e.ts')),
    claims: claims.filter((name) => name.includes(cluster) && name.endsWith('.json')),
  }
}

/** What `machineTraces` gives when nothing is left. */
export const noTraces = { namespaces: [], mounts: [], groups: [], processes: [], claims: [] }

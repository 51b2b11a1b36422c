import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Folder of ours below the caller's own group, in every hierarchy. */
const ownFolder = 'sealer-local'

/**
 * The caller's group in every mounted hierarchy (cgroup v1, v2, or both side by side), as folders.
 * @param self text of /proc/self/cgroup, see cgroups(7)
 * @param mounts text of /proc/self/mounts
 */
export function callersGroups(self: string, mounts: string): readonly string[] {
  const mounted = mounts.split('\n').map((line) => line.split(' '))
  const mountOf = (controllers: string): string | undefined =>
    mounted.find(([, , type, options = '']) =>
      controllers === ''
        ? type === 'cgroup2'
        : type === 'cgroup' && options.split(',').includes(controllers.split(',')[0] ?? controllers),
    )?.[1]
  return self.split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (controllers === undefined || path === undefined) return []
    const mount = mountOf(controllers)
    const own = path.replace(new RegExp(`/${ownFolder}(/.*)?$`), '') // the caller may itself be in a group of ours
    return mount === undefined ? [] : [join(mount, own)]
  })
}

/** Whether the only hierarchy is the unified one (cgroup v2). */
export const isUnified = (mounts: string): boolean =>
  /^\S+ \S+ cgroup2 /m.test(mounts) && !/^\S+ \S+ cgroup /m.test(mounts)

/** What Kubernetes needs in a host's group. */
const neededControllers = ['cpu', 'cpuset', 'memory', 'pids']

/**
 * With cgroup v2, and nobody who gives groups out: what the caller's group keeps from the groups below it. A group hands on what its
 * `cgroup.subtree_control` names, and that is not ours to change.
 */
export async function withheldControllers(): Promise<{
  readonly group: string
  readonly controllers: readonly string[]
}> {
  const mounts = await readFile('/proc/self/mounts', 'utf8')
  const [group = ''] = isUnified(mounts) ? callersGroups(await readFile('/proc/self/cgroup', 'utf8'), mounts) : []
  if (group === '') return { group, controllers: [] }
  const handedOn = (await readFile(join(group, 'cgroup.subtree_control'), 'utf8').catch(() => '')).trim().split(' ')
  return { group, controllers: neededControllers.filter((controller) => !handedOn.includes(controller)) }
}

/** Makes the host's own group in every hierarchy and gives the folders. Safe to repeat. */
export async function makeGroups(cluster: string, host: string): Promise<readonly string[]> {
  const self = await readFile('/proc/self/cgroup', 'utf8')
  const groups: string[] = []
  for (const caller of callersGroups(self, await readFile('/proc/self/mounts', 'utf8'))) {
    const group = join(caller, ownFolder, cluster, host)
    for (const folder of [dirname(dirname(group)), dirname(group), group]) {
      await mkdir(folder, { recursive: true })
      await inherit(folder)
    }
    groups.push(group)
  }
  return groups
}

/** A new cpuset (v1) is empty and takes no process; a new group of v2 has the controllers that its parent hands on. */
async function inherit(folder: string): Promise<void> {
  const parent = dirname(folder)
  if (existsSync(join(folder, 'cpuset.cpus')) && existsSync(join(folder, 'cgroup.clone_children'))) {
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      await writeFile(join(folder, file), await readFile(join(parent, file), 'utf8'))
    }
    await writeFile(join(folder, 'cgroup.clone_children'), '1')
  }
  if (
    dirname(parent) !== parent &&
    parent.includes(`/${ownFolder}`) &&
    existsSync(join(folder, 'cgroup.controllers'))
  ) {
    await handOn(parent)
  }
}

/** Lets the groups below have every controller that this group has. One that is refused stays here. */
async function handOn(folder: string): Promise<void> {
  const controllers = (await readFile(join(folder, 'cgroup.controllers'), 'utf8')).trim().split(' ')
  for (const controller of controllers.filter((name) => name !== '')) {
    await writeFile(join(folder, 'cgroup.subtree_control'), `+${controller}`).catch(() => {})
  }
}

/** Processes in these groups and below. */
export async function processesIn(groups: readonly string[]): Promise<ReadonlySet<number>> {
  const pids = new Set<number>()
  for (const group of groups) {
    for (const folder of await foldersBelow(group)) {
      const text = await readFile(join(folder, 'cgroup.procs'), 'utf8').catch(() => '')
      for (const pid of text.split('\n')) if (pid !== '') pids.add(Number(pid))
    }
  }
  return pids
}

/** Takes the groups away, the innermost first, and our folders above them once they are empty. */
export async function removeGroups(groups: readonly string[]): Promise<void> {
  for (const group of groups) {
    for (const folder of (await foldersBelow(group)).reverse()) await rmdir(folder).catch(() => {})
    for (const folder of [dirname(group), dirname(dirname(group))]) {
      if (folder.includes(`/${ownFolder}`)) await rmdir(folder).catch(() => {}) // not empty: others live there
    }
  }
}

/** The folder itself, then what is in it: parents before children. */
async function foldersBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined)
  if (entries === undefined) return []
  const below = entries.filter((entry) => entry.isDirectory()).map((entry) => foldersBelow(join(folder, entry.name)))
  return [folder, ...(await Promise.all(below)).flat()]
}

import { accessSync, constants } from 'node:fs'
import { mkdtemp, readFile, rm, statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { withheldControllers } from './cgroups.ts'
import { errors } from './errors.ts'
import { inotifyInstances } from './inotify.ts'
import type { LocalPlaces } from './layout.ts'
import { runProgram } from './run-program.ts'
import { ownUnit } from './supervisor.ts'

/** Something that this machine lacks for local hosts. */
export interface Lack {
  readonly what: string
  readonly remedy: string
}

/** Program → the Debian package that brings it. */
const programs = {
  'systemd-nspawn': 'systemd-container',
  mmdebstrap: 'mmdebstrap',
  'apt-config': 'apt',
  ip: 'iproute2',
  nsenter: 'util-linux',
  flock: 'util-linux',
  'ssh-keygen': 'openssh-client',
} as const

const gigabyte = 1024 ** 3
const neededDisk = 3 * gigabyte

/**
 * @param starting how many hosts are about to start
 * @throws LOCAL_MACHINE_UNFIT with everything that is missing, and what to do about each
 */
export async function checkFitness(places: LocalPlaces, starting: number): Promise<void> {
  const lacks = await machineLacks(places, starting)
  if (lacks.length > 0) throw errors.LOCAL_MACHINE_UNFIT({ lacks })
}

/** What this machine lacks for local hosts; empty when it can have them. Tries kernel features in throw-away namespaces. */
export async function machineLacks(places: LocalPlaces, starting = 1): Promise<readonly Lack[]> {
  if (process.platform !== 'linux') {
    return [{ what: 'Local hosts need Linux.', remedy: 'Use a Linux machine, or give real hosts with --masters.' }]
  }
  const missing = Object.entries(programs).filter(([program]) => !isOnPath(program))
  const lacks: Lack[] = []
  if (missing.length > 0) {
    const packages = [...new Set(missing.map(([, name]) => name))].join(' ')
    lacks.push({
      what: `Missing programs: ${missing.map(([program]) => program).join(', ')}.`,
      remedy: `apt-get install ${packages}`,
    })
  }
  if (process.getuid?.() !== 0) {
    lacks.push({
      what: 'Local hosts are made by root, and run as root of this machine.',
      remedy: 'Run the same command as root, e.g. with sudo.',
    })
  } else if (missing.length === 0) lacks.push(...(await kernelLacks(places)))
  const more = [await diskLack(places), inotifyLack(starting)]
  return [...lacks, ...more.filter((lack) => lack !== undefined)]
}

async function kernelLacks(places: LocalPlaces): Promise<readonly Lack[]> {
  const lacks: Lack[] = []
  const network = 'ip link add br0 type bridge && ip link add h1 type veth peer name h2'
  if (!(await works('unshare', ['--net', 'sh', '-ec', network]))) {
    lacks.push({
      what: 'The kernel refuses network namespaces with bridges and veth pairs.',
      remedy: 'Load them (modprobe bridge veth); in a container, run it with --privileged.',
    })
  }
  const folder = await mkdtemp(join(await existing(places.home), '.sealer-try-'))
  try {
    const overlay = 'cd "$1"; mkdir l u w m; mount -t overlay -o lowerdir=l,upperdir=u,workdir=w try m'
    if (!(await works('unshare', ['--mount', 'sh', '-ec', overlay, 'sh', folder]))) {
      lacks.push({
        what: `The kernel refuses an overlay file system in ${places.home}.`,
        remedy:
          'Load it (modprobe overlay). In a container, put the folder on a volume (SEALER_HOME): overlays do not stack.',
      })
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  if (!/ \S+ cgroup2? /.test(await readFile('/proc/self/mounts', 'utf8'))) {
    lacks.push({ what: 'No cgroups are mounted.', remedy: 'Mount them: mount -t cgroup2 none /sys/fs/cgroup' })
  }
  if (!(await ownUnit())) {
    const { group, controllers } = await withheldControllers()
    if (controllers.length > 0) {
      lacks.push({
        what: `The cgroup ${group} keeps ${controllers.join(', ')} from groups below it, and Kubernetes needs them.`,
        remedy: `echo '${controllers.map((name) => `+${name}`).join(' ')}' >${group}/cgroup.subtree_control`,
      })
    }
  }
  return lacks
}

async function diskLack({ home }: LocalPlaces): Promise<Lack | undefined> {
  const { bavail, bsize } = await statfs(await existing(home))
  const free = bavail * bsize
  if (free >= neededDisk) return undefined
  const [has, needs] = [free, neededDisk].map((bytes) => (bytes / gigabyte).toFixed(1))
  return {
    what: `${home} has ${has} GB free; local hosts need ${needs} GB at least.`,
    remedy: 'Free some space, or choose another folder with SEALER_HOME.',
  }
}

/** All hosts share root's inotify instances: systemd takes five, and what runs in a cluster as many again. */
function inotifyLack(starting: number): Lack | undefined {
  const { limit, used } = inotifyInstances()
  const needed = starting * 10
  if (used + needed <= limit) return undefined
  const target = Math.max(1024, limit * 2)
  return {
    what: `Root may have ${limit} inotify instances, ${used} are in use, and ${starting} hosts need ${needed} to start.`,
    remedy: `sysctl -w fs.inotify.max_user_instances=${target} (to keep it, write it to a file in /etc/sysctl.d)`,
  }
}

async function works(program: string, args: readonly string[]): Promise<boolean> {
  try {
    await runProgram(program, args)
    return true
  } catch {
    return false
  }
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(':').some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** The nearest folder above that is there. */
async function existing(folder: string): Promise<string> {
  try {
    await statfs(folder)
    return folder
  } catch {
    return await existing(dirname(folder))
  }
}

// Time from bare hosts to a usable cluster: `sealer run` against the same by a shell script with plain kubeadm (reference.sh), in one run
// on the same machine, hosts anew for each. Prints both times and their ratio, and with --timeline where the time went; never judges.
// Beside the time stands what it took of the processors, of the hosts and of the operator's programs: that compares too where others use the machine.
//
//   node --import tsx bench/install/install.bench.ts [--masters 1] [--nodes 2] [--runs 1] [--timeline] [--only sealer|script]
//     [--image sealerio/kubernetes:v1.34.4]
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    masters: { type: 'string', default: '1' },
    nodes: { type: 'string', default: '2' },
    runs: { type: 'string', default: '1' },
    image: { type: 'string', default: 'sealerio/kubernetes:v1.34.4' },
    version: { type: 'string', default: '1.34' },
    timeline: { type: 'boolean', default: false },
    only: { type: 'string' },
  },
})
const root = join(import.meta.dirname, '../..')
const program = join(root, 'packages/cli/bin.js')
const cluster = `bench${process.pid}`

interface Measurement {
  readonly seconds: number
  readonly phases: readonly Phase[]
  /** Seconds of processors: of all that ran on the hosts, of the operator's programs, and of everybody else on this machine meanwhile. */
  readonly work: { readonly hosts: number; readonly operator: number; readonly others: number }
}

/** Something that took time; seconds since the start. */
interface Phase {
  readonly name: string
  readonly from: number
  readonly to: number
}

function sealer(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`sealer ${args.join(' ')}: ${stderr}`)
  return stdout
}

/** Hosts that are bare, with disks in memory: a disk's noise is not what is measured. */
async function onFreshHosts(measure: () => Promise<Measurement>): Promise<Measurement> {
  sealer('local', 'create', cluster, '--masters', values.masters, '--nodes', values.nodes, '--memory-disks')
  try {
    return await measure()
  } finally {
    sealer('local', 'delete', cluster, '--yes')
  }
}

/** Runs a program and takes down what its lines say: which phase has ended, and how many seconds it took where that is known. */
async function timed(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  read: (line: string) => { name: string; took?: number } | undefined,
): Promise<Measurement> {
  const before = { hosts: hostsWork(), machine: machineWork() }
  const began = performance.now()
  const since = () => (performance.now() - began) / 1000
  const counted = ['-c', '"$@"; code=$?; times >&3; exit $code', 'bash', file, ...args]
  const child = spawn('bash', counted, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  })
  const times = text(child.stdio[3] as Readable)
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  const phases: Phase[] = []
  for await (const line of createInterface({ input: child.stdout as Readable })) {
    const phase = read(line)
    if (phase === undefined) continue
    const to = since()
    const from = phase.took === undefined ? (phases.at(-1)?.to ?? 0) : to - phase.took
    phases.push({ name: phase.name, from, to })
  }
  const seconds = since()
  if ((await ended) !== 0) throw new Error(`${file} failed`)
  const [hosts, operator] = [hostsWork() - before.hosts, timesWork(await times)]
  const work = { hosts, operator, others: machineWork() - before.machine - hosts - operator }
  return { seconds, phases: phases.toSorted((one, other) => one.from - other.from), work }
}

/** Seconds of processors that the hosts of this cluster have taken, by their control group (version 1 or 2). */
function hostsWork(): number {
  const read = (path: string) => (existsSync(path) ? readFileSync(path, 'utf8') : '')
  const [one, two] = ['/sys/fs/cgroup/cpuacct', '/sys/fs/cgroup'].map((root) => join(root, 'sealer-local', cluster))
  const nanoseconds = read(`${one}/cpuacct.usage`)
  if (nanoseconds !== '') return Number(nanoseconds) / 1e9
  return Number(/^usage_usec (\d+)/m.exec(read(`${two}/cpu.stat`))?.[1] ?? 0) / 1e6
}

/** The same of this whole machine (proc_stat(5): user, nice, system, idle, iowait, irq, softirq, steal). */
function machineWork(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] =
    /^cpu +(.*)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]?.split(' ').map(Number) ?? []
  return (user + nice + system + irq + softirq) / 100
}

/** The same of a shell's children, from what its `times` says: `0m1.5s 0m0.2s`, the shell's own first. */
const timesWork = (said: string): number =>
  [...said.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest),
    0,
  )

const bySealer = () =>
  timed(
    process.execPath,
    [
      program,
      '--output',
      'json',
      'run',
      values.image,
      '--infra',
      'local',
      '--masters',
      values.masters,
      '--nodes',
      values.nodes,
      '--name',
      cluster,
    ],
    {},
    (line) => {
      const event = JSON.parse(line)
      if (event.type !== 'step-finished') return undefined
      const host = event.host === undefined ? '' : ` (${event.host.slice(cluster.length + 1)})`
      return { name: `${event.title}${host}`, took: event.milliseconds / 1000 }
    },
  )

function byScript(): Promise<Measurement> {
  const hosts: { name: string; role: string; address: string }[] = JSON.parse(
    sealer('--output', 'json', 'local', 'list'),
  ).find((one: { cluster: string }) => one.cluster === cluster).hosts
  const addresses = (role: string) =>
    hosts
      .filter((host) => host.role === role)
      .map((host) => host.address)
      .join(' ')
  const context =
    spawnSync(
      process.execPath,
      [join(root, 'images/kubernetes/build.mjs'), '--version', values.version, '--context-only'],
      { encoding: 'utf8' },
    )
      .stdout.trim()
      .split('\n')
      .at(-1) ?? ''
  const home = process.env.SEALER_HOME ?? join(process.env.HOME ?? '', '.sealer')
  const env = {
    NS: `sealer-${cluster}`,
    KEY: join(home, 'local/id_ed25519'),
    CONTEXT: context,
    VERSION: values.image.split(':')[1] ?? '',
    KEEP_OOM: process.env.KEEP_OOM ?? '1',
    USE_CGROUPFS: process.env.USE_CGROUPFS ?? '1',
  }
  return timed(join(import.meta.dirname, 'reference.sh'), [addresses('master'), addresses('node')], env, (line) => ({
    name: line.replace(/^\S+ /, ''),
  }))
}

/** A line for each phase: when it began and ended, and the same as a bar over the whole time. */
function show(title: string, { seconds, phases, work }: Measurement): void {
  const shares = Object.entries(work).map(([whose, taken]) => `${whose} ${taken.toFixed(1)}`)
  console.log(`${title}: ${seconds.toFixed(1)} s; processors: ${shares.join(', ')} s`)
  if (!values.timeline) return
  const width = 60
  const column = (at: number) => Math.min(width - 1, Math.floor((at / seconds) * width))
  for (const { name, from, to } of phases) {
    const bar = ' '.repeat(column(from)) + '#'.repeat(column(to) - column(from) + 1)
    console.log(`  ${from.toFixed(1).padStart(5)} ${to.toFixed(1).padStart(5)} |${bar.padEnd(width)}| ${name}`)
  }
}

const ratios: number[] = []
for (let run = 0; run < Number(values.runs); run++) {
  const script = values.only === 'sealer' ? undefined : await onFreshHosts(byScript)
  if (script !== undefined) show('plain kubeadm', script)
  const ours = values.only === 'script' ? undefined : await onFreshHosts(bySealer)
  if (ours !== undefined) show('sealer run', ours)
  if (script === undefined || ours === undefined) continue
  ratios.push(ours.seconds / script.seconds)
  const taken = ({ work }: Measurement) => work.hosts + work.operator
  console.log(
    `ratio sealer : script ${values.masters}+${values.nodes}: ${ratios.at(-1)?.toFixed(2)}; of the processors: ${(taken(ours) / taken(script)).toFixed(2)}`,
  )
}
const sorted = ratios.toSorted((a, b) => a - b)
if (sorted.length > 0) console.log(`median of ${sorted.length}: ${sorted[Math.floor(sorted.length / 2)]?.toFixed(2)}`)

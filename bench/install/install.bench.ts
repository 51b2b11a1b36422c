// Time from bare hosts to a usable cluster: `sealer run` against the same by a shell script with plain kubeadm (reference.sh), in one run
// on the same machine, hosts anew for each. Prints both times and their ratio, and with --timeline where the time went; never judges.
//
//   node --import tsx bench/install/install.bench.ts [--masters 1] [--nodes 2] [--runs 1] [--timeline] [--only sealer|script]
//     [--image sealerio/kubernetes:v1.34.4]
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
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
  const began = performance.now()
  const since = () => (performance.now() - began) / 1000
  const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  const phases: Phase[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    const phase = read(line)
    if (phase === undefined) continue
    const to = since()
    const from = phase.took === undefined ? (phases.at(-1)?.to ?? 0) : to - phase.took
    phases.push({ name: phase.name, from, to })
  }
  if ((await ended) !== 0) throw new Error(`${file} failed`)
  return { seconds: since(), phases: phases.toSorted((one, other) => one.from - other.from) }
}

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
function show(title: string, { seconds, phases }: Measurement): void {
  console.log(`${title}: ${seconds.toFixed(1)} s`)
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
  const ours = values.only === 'script' ? undefined : await onFreshHosts(bySealer)
  if (script !== undefined) show('plain kubeadm', script)
  if (ours !== undefined) show('sealer run', ours)
  if (script === undefined || ours === undefined) continue
  ratios.push(ours.seconds / script.seconds)
  console.log(`ratio sealer : script ${values.masters}+${values.nodes}: ${ratios.at(-1)?.toFixed(2)}`)
}
const sorted = ratios.toSorted((a, b) => a - b)
if (sorted.length > 0) console.log(`median of ${sorted.length}: ${sorted[Math.floor(sorted.length / 2)]?.toFixed(2)}`)

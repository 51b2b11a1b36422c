// Time from bare hosts to a usable cluster: `sealer run` against the same by a shell script with plain kubeadm (reference.sh), in one run
// on the same machine, hosts anew for each. Prints both timelines and their ratio; never judges.
//
//   node --import tsx bench/install/install.bench.ts [--masters 1] [--nodes 2] [--runs 1] [--image sealerio/kubernetes:v1.34.4]
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
  },
})
const root = join(import.meta.dirname, '../..')
const program = join(root, 'packages/cli/bin.js')
const cluster = `bench${process.pid}`

interface Measurement {
  readonly seconds: number
  /** Seconds since the start, and what had happened by then. */
  readonly timeline: readonly (readonly [number, string])[]
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

/** Runs a program and takes down each of its lines with the time it came. */
async function timed(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  read: (line: string) => string | undefined,
): Promise<Measurement> {
  const began = performance.now()
  const since = () => (performance.now() - began) / 1000
  const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  const timeline: (readonly [number, string])[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    const name = read(line)
    if (name !== undefined) timeline.push([since(), name])
  }
  if ((await ended) !== 0) throw new Error(`${file} failed`)
  return { seconds: since(), timeline }
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
      return event.type === 'step-finished'
        ? `${event.title}${event.host === undefined ? '' : ` (${event.host})`}`
        : undefined
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
  return timed(join(import.meta.dirname, 'reference.sh'), [addresses('master'), addresses('node')], env, (line) =>
    line.replace(/^\S+ /, ''),
  )
}

const show = (title: string, { seconds, timeline }: Measurement) =>
  console.log(
    [
      `${title}: ${seconds.toFixed(1)} s`,
      ...timeline.map(([at, name]) => `  ${at.toFixed(1).padStart(6)}  ${name}`),
    ].join('\n'),
  )

const ratios: number[] = []
for (let run = 0; run < Number(values.runs); run++) {
  const script = await onFreshHosts(byScript)
  const ours = await onFreshHosts(bySealer)
  show('plain kubeadm', script)
  show('sealer run', ours)
  ratios.push(ours.seconds / script.seconds)
  console.log(`ratio sealer : script ${values.masters}+${values.nodes}: ${ratios.at(-1)?.toFixed(2)}`)
}
const sorted = ratios.toSorted((a, b) => a - b)
console.log(`median of ${sorted.length}: ${sorted[Math.floor(sorted.length / 2)]?.toFixed(2)}`)

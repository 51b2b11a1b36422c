import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { InstallReport, Plan, RunEvent } from '@sealer/core'
import { imagesHome } from './cluster-images.ts'
import { ended, type Outcome, succeeded, tool } from './run-tool.ts'

const program = join(import.meta.dirname, '../../packages/cli/bin.js')

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>
  /** Another program in front, e.g. `nsenter --net=…`. */
  readonly wrap?: readonly string[]
  readonly cwd?: string
}

/** What a run with `--output json` told: its events, and its report where it succeeded. */
export interface ToldRun {
  readonly events: readonly RunEvent[]
  readonly report: InstallReport
}

const open = new Set<Site>()
// A test file that takes too long, or that somebody stops, is asked to end, and has half a minute to put its machines away.
process.once('SIGTERM', async () => {
  await Promise.allSettled([...open].map((site) => site[Symbol.asyncDispose]()))
  process.exit(143)
})

/** An operator's machine of its own: a home, and the built command. */
export class Site implements AsyncDisposable {
  readonly home: string
  readonly #running = new Set<ChildProcess>()

  private constructor(home: string) {
    this.home = home
  }

  static async open(): Promise<Site> {
    const site = new Site(await mkdtemp(join(tmpdir(), 'sealer-e2e-')))
    open.add(site)
    return site
  }

  /** Runs `sealer ARGS` to its end, whatever it is. */
  async try(
    args: readonly string[],
    { input = '', ...options }: StartOptions & { input?: string } = {},
  ): Promise<Outcome> {
    const child = this.start(args, options)
    child.stdin?.end(input)
    return await ended(child)
  }

  /** As `try`, and nothing but success will do: its standard output. */
  async sealer(...args: readonly string[]): Promise<string> {
    return succeeded(`sealer ${args.join(' ')}`, await this.try(args))
  }

  /** Starts `sealer ARGS`. */
  start(args: readonly string[], { env = {}, wrap = [], cwd }: StartOptions = {}): ChildProcess {
    const [file = '', ...rest] = [...wrap, process.execPath, program, ...args]
    const child = spawn(file, rest, {
      env: { ...process.env, SEALER_HOME: this.home, NO_COLOR: '1', ...env },
      stdio: 'pipe',
      ...(cwd === undefined ? {} : { cwd }),
    })
    this.#running.add(child)
    child.once('close', () => this.#running.delete(child))
    return child
  }

  /** The plan of a command that takes `--dry-run`. */
  async plan(args: readonly string[], options?: StartOptions): Promise<Plan> {
    const command = [...args, '--dry-run', '--output', 'json']
    return JSON.parse(succeeded(`sealer ${command.join(' ')}`, await this.try(command, options)))
  }

  /** Runs a command that makes a cluster, and gives what it told. */
  async run(args: readonly string[], options?: StartOptions): Promise<ToldRun> {
    const command = [...args, '--yes', '--output', 'json']
    return told(succeeded(`sealer ${command.join(' ')}`, await this.try(command, options)))
  }

  /** The cluster's own kubectl. */
  async kubectl(cluster: string, ...args: readonly string[]): Promise<string> {
    return await this.sealer('kubectl', '--cluster', cluster, ...args)
  }

  /** The same, with an object for an answer. */
  async kubectlJson<Answer>(cluster: string, ...args: readonly string[]): Promise<Answer> {
    return JSON.parse(await this.kubectl(cluster, ...args, '-o', 'json'))
  }

  /** Writes a Clusterfile, or anything else that is JSON, and gives its path. */
  async write(name: string, content: unknown): Promise<string> {
    const file = join(this.home, 'files', name)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content, undefined, 2))
    return file
  }

  /** A Clusterfile for hosts of infra local with disks in memory. */
  async localClusterfile(name: string, { image, masters, nodes }: LocalWish): Promise<string> {
    const group = (role: string, count: number) => (count === 0 ? [] : [{ roles: [role], count }])
    return await this.write(`${name}.yaml`, {
      apiVersion: 'sealer.io/v1',
      kind: 'Cluster',
      metadata: { name },
      spec: {
        image,
        infra: { name: 'local', options: { memoryDisks: true } },
        hosts: [...group('master', masters), ...group('node', nodes)],
      },
    })
  }

  /** Takes over the cluster images that are kept from one test to the next, without a copy of their bytes. */
  async takeImages(home = this.home): Promise<void> {
    await tool('cp', '--archive', '--link', '--force', join(imagesHome, 'store'), home)
  }

  /** Takes every cluster and everything else of this site away, also after a failure. */
  async [Symbol.asyncDispose](): Promise<void> {
    open.delete(this)
    for (const child of this.#running) child.kill('SIGKILL')
    const { stdout } = await this.try(['local', 'list', '--output', 'json'])
    for (const cluster of clustersIn(stdout)) await this.try(['local', 'delete', cluster, '--yes'])
    await rm(this.home, { recursive: true, force: true })
  }
}

export interface LocalWish {
  readonly image: string
  readonly masters: number
  readonly nodes: number
}

function told(lines: string): ToldRun {
  const all = lines.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
  return { events: all.filter(({ type }) => type !== 'report'), report: all.find(({ type }) => type === 'report') }
}

function clustersIn(list: string): readonly string[] {
  try {
    return JSON.parse(list).map(({ cluster }: { cluster: string }) => cluster)
  } catch {
    return []
  }
}

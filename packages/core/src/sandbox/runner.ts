import { createHash } from 'node:crypto'
import { chmod, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Platform } from '../hosts/host.ts'
import { platformText } from '../hosts/host.ts'
import type { BlobStore } from '../image/blobs.ts'
import { CacheNotes } from '../image/cache-notes.ts'
import type { RootfsLayer } from '../image/cluster-config.ts'
import type { LayerEntry } from '../image/layer.ts'
import { contentKey } from '../image/layer-cache.ts'
import { commandText } from '../kubefile/command-text.ts'
import type { Run } from '../kubefile/instructions.ts'
import type { Position } from '../kubefile/kubefile.ts'
import type { Logger } from '../logger.ts'
import { changesIn } from './changes.ts'
import { sandboxErrors } from './errors.ts'
import { machineTools, refuseForeign } from './machine-tools.ts'
import { proxies, resolverOfSandbox } from './network.ts'
import { needPrograms } from './programs.ts'
import { runInSandbox } from './sandbox.ts'
import { ownFolder, ownFolders, standsIn, type Trees, unpackAll, writeTree } from './trees.ts'

/** Changes whenever the same command would be given another world. */
const format = 2

/** One RUN, with all that it depends on. */
export interface RunInput {
  readonly at: Position
  readonly command: Run['command']
  readonly network: Run['network']
  /** What ARG and ENV say at this place. */
  readonly environment: Readonly<Record<string, string>>
  /** The layers of this build so far, the lowest first. */
  readonly layers: readonly (readonly LayerEntry[])[]
}

/** What the commands of one platform's build share. */
export interface RunnerOptions {
  readonly trees: Trees
  /** Folder of what is known of earlier runs. */
  readonly notes: string
  readonly blobs: BlobStore
  readonly base: readonly RootfsLayer[]
  readonly platform: Platform
  /** Runs every command, whatever is known. */
  readonly fresh: boolean
  readonly say: (line: string) => void
  readonly logger: Logger
}

/** What a command has left, as it is noted: where the files of the entries are depends on where the cache is. */
interface Outcome {
  /** Key of the tree. */
  readonly tree: string
  readonly entries: readonly LayerEntry[]
}

/** Lines of a failed command that its error repeats. */
const repeatedLines = 15

/** Executes the RUNs of one platform: finds in the cache what was executed already, on the same files with the same variables. */
export class Runner {
  readonly #options: RunnerOptions
  readonly #notes: CacheNotes
  /** Names of the trees that commands have left, by their content. */
  readonly #left = new Map<string, string>()

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#notes = new CacheNotes(options.notes)
  }

  /** What a command adds, changes and takes away. @throws RUN_FAILED, SANDBOX_PROGRAM_MISSING, SANDBOX_FORBIDDEN, RUN_PLATFORM_FOREIGN */
  async run(input: RunInput, signal: AbortSignal | undefined): Promise<readonly LayerEntry[]> {
    const { trees, fresh } = this.#options
    const key = this.#keyOf(input)
    const known = fresh ? undefined : await this.#notes.read<Outcome>(key)
    if (known !== undefined && (await trees.has(known.tree))) return this.#placed(known)
    const outcome = await this.#execute(input, signal)
    await this.#notes.write(key, outcome)
    return this.#placed(outcome)
  }

  #keyOf({ command, network, environment, layers }: RunInput): string {
    const { base, platform } = this.#options
    const below = [...base.map((layer) => layer.diffId), ...layers.map(contentKey)]
    const variables = Object.entries(environment).sort(([a], [b]) => (a < b ? -1 : 1))
    const all = { format, below, command, network, variables, platform: platformText(platform) }
    return createHash('sha256').update(JSON.stringify(all)).digest('hex')
  }

  #placed({ tree, entries }: Outcome): readonly LayerEntry[] {
    const { trees } = this.#options
    const name = trees.nameOf(tree)
    this.#left.set(contentKey(entries), name)
    const files = join(trees.folder, name, 'files')
    return entries.map((entry) => (entry.kind === 'file' ? { ...entry, source: join(files, entry.path) } : entry))
  }

  async #execute(input: RunInput, signal: AbortSignal | undefined): Promise<Outcome> {
    const { trees, say, logger, platform } = this.#options
    await needPrograms(input.network)
    const names = await this.#layersOf(input, signal)
    const hasShell = (await this.#stands('usr/bin/sh', names)) || (await this.#stands('bin/sh', names))
    if (hasShell) await refuseForeign(platform, input.at)
    else logger.info('the image has no shell: RUN uses the programs of this machine, read-only')
    const tools = hasShell ? undefined : await machineTools()
    const top = await this.#ground(input.network, tools?.folders ?? [])
    const below = tools === undefined ? [] : [await trees.tree(tools.key, tools.fill)]
    await using draft = await trees.draft()
    for (const folder of ['files', 'work']) await ownFolder(join(draft.path, folder))
    const said: string[] = []
    const code = await runInSandbox({
      argv: argvOf(input.command),
      ...('script' in input.command && { script: { place: scriptPlace, content: input.command.script } }),
      environment: this.#environment(input, tools !== undefined),
      network: input.network,
      folder: trees.folder,
      lower: await trees.lower([...below, ...names, top]),
      run: draft.name,
      tools: tools?.folders ?? [],
      ownTmp: !(await this.#someFileIn('tmp', names)),
      onLine: (line) => {
        said.push(line)
        if (said.length > repeatedLines) said.shift()
        say(`${platformText(platform)}: | ${line}`)
      },
      signal,
    })
    if (code !== 0) throw failed(input, code, said)
    const entries = await changesIn(join(draft.path, 'files'), join(draft.path, 'xattrs'), signal)
    const tree = `run ${draft.name}` // two builds at once may each have run it
    await draft.publish(tree)
    return { tree, entries }
  }

  /** Names of the trees of all layers, the lowest first. */
  async #layersOf({ layers }: RunInput, signal: AbortSignal | undefined): Promise<string[]> {
    const { trees, base, blobs } = this.#options
    const names = await unpackAll(trees, base, blobs, signal)
    for (const entries of layers) {
      const content = contentKey(entries)
      const make = (folder: string) => writeTree(entries, folder, signal)
      names.push(this.#left.get(content) ?? (await trees.tree(content, make)))
    }
    return names
  }

  /** The uppermost layer: real folders for everything that is mounted, whatever the image has there, and the files that a sandbox has of its own. */
  #ground(network: Run['network'], tools: readonly string[]): Promise<string> {
    const { trees } = this.#options
    const resolver = network === 'default' ? resolverOfSandbox : ''
    return trees.tree(`ground ${format} ${JSON.stringify([resolver, tools])}`, async (folder) => {
      const files = join(folder, 'files')
      for (const path of ['/proc', '/dev', '/tmp', '/etc', ...tools]) await ownFolders(files, path)
      await chmod(join(files, 'tmp'), 0o1777)
      await writeFile(join(files, 'etc/resolv.conf'), resolver)
      await writeFile(join(files, 'etc/hosts'), '127.0.0.1 localhost build\n::1 localhost build\n')
    })
  }

  async #someFileIn(path: string, names: readonly string[]): Promise<boolean> {
    const { folder } = this.#options.trees
    for (const name of names) {
      const files = join(folder, name, 'files')
      if (!(await standsIn(files, path))) continue
      const inside = await readdir(join(files, path)).catch(() => [])
      if (inside.length > 0) return true
    }
    return false
  }

  async #stands(path: string, names: readonly string[]): Promise<boolean> {
    const { folder } = this.#options.trees
    const found = await Promise.all(names.map((name) => standsIn(join(folder, name, 'files'), path)))
    return found.includes(true)
  }

  #environment({ environment, network }: RunInput, withTools: boolean): Record<string, string> {
    const usual = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
    return {
      PATH: withTools ? `/bin:/sbin:${usual}` : usual,
      HOME: '/root',
      ...(network === 'default' && proxies(process.env)),
      ...environment,
    }
  }
}

const scriptPlace = '/dev/run-script'

function argvOf(command: Run['command']): readonly string[] {
  if ('argv' in command) return command.argv
  return 'shell' in command ? ['/bin/sh', '-c', command.shell] : [scriptPlace]
}

function failed({ at, command }: RunInput, code: number | undefined, said: readonly string[]): Error {
  const [first = ''] = commandText(command).split('\n')
  const end = code === undefined ? 'a signal' : `exit code ${code}`
  return sandboxErrors.RUN_FAILED({ place: `${at.file}:${at.line}`, command: first, end, said })
}

import { posix } from 'node:path'
import semver from 'semver'
import type { Platform } from '../hosts/host.ts'
import type { AppConfig, ClusterConfig } from '../image/cluster-config.ts'
import type { LayerEntry } from '../image/layer.ts'
import { isKustomizationFile } from '../manifests/kustomization-files.ts'
import type { RunInput } from '../sandbox/runner.ts'
import { appFiles, appsFolder } from './app-files.ts'
import { Arguments } from './arguments.ts'
import { commandText } from './command-text.ts'
import { copyFiles } from './copy-files.ts'
import type { Add, App, AppCmds, AppEnv, Cmd, Copy, Instruction, Launch, Pair, Run } from './instructions.ts'
import type { Position } from './kubefile.ts'
import { Scene, type SceneInput } from './scene.ts'
import type { Word } from './words.ts'

/** Labels that say what the original said with them, so that its users find what they know. */
export const labels = {
  runtimeType: 'cluster.alpha.sealer.io/cluster-runtime-type',
  runtimeVersion: 'cluster.alpha.sealer.io/cluster-runtime-version',
  supportedKubernetes: 'app.alpha.sealer.io/supported-kube-version',
  cni: 'cluster.alpha.sealer.io/kube-cni-',
  csi: 'cluster.alpha.sealer.io/kube-csi-',
  authors: 'org.opencontainers.image.authors',
} as const

/** What a Kubefile makes of its base for one platform, before any layer is packed. */
export interface Draft {
  readonly layers: readonly DraftLayer[]
  readonly env: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  readonly apps: readonly AppConfig[]
  readonly launch: readonly string[]
  readonly cmds: readonly string[]
  readonly kubernetes?: string
}

/** The files of one instruction. */
export interface DraftLayer {
  /** E.g. `COPY manifests manifests/`. */
  readonly createdBy: string
  readonly entries: readonly LayerEntry[]
}

/** What a Kubefile is executed with. */
export interface DraftInput extends SceneInput {
  readonly platform: Platform
  /** What the base says of itself; undefined for `FROM scratch`. */
  readonly base: ClusterConfig | undefined
  /** Folders of the base's files; asked for when it matters, since it takes reading them. */
  readonly baseFolders?: () => Promise<ReadonlySet<string>>
  readonly buildArgs: Readonly<Record<string, string>>
  /** Executes a RUN on the base and the layers before it. */
  readonly run: (input: RunInput) => Promise<readonly LayerEntry[]>
}

/** An app while its instructions are read. */
interface DraftApp {
  readonly config: AppConfig
  /** Where it was declared; undefined when it comes from the base. */
  readonly at?: Position
}

/**
 * Executes a Kubefile for one platform: variables are put in, sources are looked up, apps recognised. From the base come its env, labels
 * and apps; LAUNCH and CMDS are each image's own.
 * @throws KUBEFILE_INVALID, DOWNLOAD_FAILED, DOWNLOAD_CHECKSUM
 */
export async function draftImage(input: DraftInput): Promise<Draft> {
  const drafting = new Drafting(input)
  for (const instruction of input.kubefile.instructions) {
    input.signal?.throwIfAborted()
    await drafting.execute(instruction)
  }
  return drafting.result()
}

class Drafting {
  readonly #input: DraftInput
  readonly #args: Arguments
  readonly #scene: Scene
  readonly #layers: DraftLayer[] = []
  /** What this image has put at each path. */
  readonly #kinds = new Map<string, LayerEntry['kind']>()
  readonly #env: Map<string, string>
  readonly #labels: Map<string, string>
  readonly #apps: Map<string, DraftApp>
  readonly #cmds: string[] = []
  #launch: readonly string[] = []
  #kubernetes: string | undefined

  constructor(input: DraftInput) {
    this.#input = input
    this.#args = new Arguments(input.platform, input.buildArgs)
    this.#env = new Map(Object.entries(input.base?.env ?? {}))
    this.#scene = new Scene(input, (name) => this.#env.get(name) ?? this.#args.value(name))
    this.#labels = new Map(Object.entries(input.base?.labels ?? {}))
    this.#apps = new Map(input.base?.apps.map((config) => [config.name, { config }]))
    this.#kubernetes = input.base?.requirements.kubernetes
  }

  async execute(instruction: Instruction): Promise<void> {
    switch (instruction.kind) {
      case 'FROM':
        return
      case 'ARG':
        return this.#args.declare(instruction, this.#scene.text)
      case 'ENV':
        return this.#set(this.#env, instruction.pairs)
      case 'LABEL':
        return this.#set(this.#labels, instruction.pairs)
      case 'MAINTAINER':
        return void this.#labels.set(labels.authors, this.#scene.text(instruction.name))
      case 'COPY':
      case 'ADD':
        return this.#copy(instruction)
      case 'RUN':
        return this.#run(instruction)
      case 'APP':
      case 'CNI':
      case 'CSI':
        return this.#app(instruction)
      case 'APPENV':
        return this.#appEnv(instruction)
      case 'APPCMDS':
        return this.#appCmds(instruction)
      case 'KUBEVERSION':
        return this.#kubeVersion(instruction.range)
      case 'LAUNCH':
        return this.#launchApps(instruction)
      case 'CMDS':
        return void this.#cmds.push(...instruction.cmds)
      case 'CMD':
        return this.#cmd(instruction)
    }
  }

  result(): Draft {
    this.#refuseUnlaunchable()
    this.#warnOfSilence()
    return {
      layers: this.#layers,
      env: Object.fromEntries(this.#env),
      labels: Object.fromEntries(this.#labels),
      apps: [...this.#apps.values()].map(({ config }) => config),
      launch: this.#launch,
      cmds: this.#cmds,
      ...(this.#kubernetes === undefined ? {} : { kubernetes: this.#kubernetes }),
    }
  }

  async #copy(instruction: Copy | Add): Promise<void> {
    const { kind, at, sources, texts, target } = instruction
    const entries = await copyFiles(instruction, this.#scene, (path) => this.#isFolder(path))
    if (entries.length === 0) return this.#scene.warn(at, `${kind} copies nothing: the source is an empty folder.`)
    const from = kind === 'COPY' && instruction.from ? [`--from=${this.#scene.text(instruction.from)}`] : []
    const inline = texts.map(({ name }) => `<<${name}`)
    const words = [kind, ...from, ...sources.map(this.#scene.text), ...inline, this.#scene.text(target)]
    this.#addLayer(words.join(' '), entries)
  }

  async #run({ at, command, network }: Run): Promise<void> {
    const environment = { ...this.#args.declared(), ...Object.fromEntries(this.#env) }
    const layers = this.#layers.map(({ entries }) => entries)
    const entries = await this.#input.run({ at, command, network, environment, layers })
    if (entries.length > 0) this.#addLayer(`RUN ${commandText(command)}`, entries)
  }

  async #isFolder(path: string): Promise<boolean> {
    const own = this.#kinds.get(path)
    return own === undefined ? ((await this.#input.baseFolders?.())?.has(path) ?? false) : own === 'folder'
  }

  async #app(instruction: App): Promise<void> {
    const { kind, at } = instruction
    const name = this.#newApp(instruction)
    const { entries, type } = await appFiles(instruction, name, this.#scene)
    const early = kind === 'APP' ? {} : ({ kind: kind === 'CNI' ? 'cni' : 'csi' } as const)
    this.#apps.set(name, { at, config: { name, ...type, ...early } })
    if (kind !== 'APP') this.#labels.set(`${kind === 'CNI' ? labels.cni : labels.csi}${name}`, 'true')
    const sources = instruction.sources.map(this.#scene.text)
    this.#addLayer([kind, name, ...sources].join(' '), [directory(`${appsFolder}/${name}`), ...entries])
  }

  #newApp({ kind, name: word }: App): string {
    const name = this.#scene.text(word)
    if (!/^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?$/.test(name) || name.includes('..')) {
      throw this.#scene.problem(
        word.at,
        `"${name}" cannot be the name of an app.`,
        'A name has letters, digits, single dots, _ and -, begins and ends with a letter or digit, and has at most 128 of them.',
      )
    }
    const before = this.#apps.get(name)
    if (before === undefined) return name
    const where = before.at === undefined ? 'in the base image' : `in line ${before.at.line}`
    throw this.#scene.problem(
      word.at,
      `There is an app ${name} already, ${where}.`,
      `Give all its sources to one ${kind}, or choose another name.`,
    )
  }

  #appEnv({ app, pairs }: AppEnv): void {
    const { config, ...rest } = this.#declared(app)
    const env = new Map(Object.entries(config.env ?? {}))
    this.#set(env, pairs)
    this.#apps.set(config.name, { ...rest, config: { ...config, env: Object.fromEntries(env) } })
  }

  #appCmds({ app, cmds, at }: AppCmds): void {
    const { config, ...rest } = this.#declared(app)
    if (cmds.filter((cmd) => /^[a-z][\w./-]* +\S/.test(cmd)).length > 1) {
      this.#scene.warn(
        at,
        'the strings of APPCMDS are joined into one command; for several write "a && b" as one string.',
      )
    }
    this.#apps.set(config.name, { ...rest, config: { ...config, cmds: [cmds.join(' ')] } })
  }

  #declared(word: Word): DraftApp {
    const name = this.#scene.text(word)
    const app = this.#apps.get(name)
    if (app !== undefined) return app
    const known = [...this.#apps.keys()].join(', ')
    throw this.#scene.problem(
      word.at,
      `There is no app ${name} at this place.`,
      name.includes(',')
        ? 'Separate names by blanks, not by commas.'
        : `Declare it above with APP ${name} local://…; known here: ${known === '' ? 'none' : known}.`,
    )
  }

  /** Apps of CNI and CSI are launched before all others, so they need not be named and are not kept here. */
  #launchApps({ apps }: Launch): void {
    const named = new Map<string, AppConfig>()
    for (const word of apps) {
      const { config } = this.#declared(word)
      if (named.has(config.name))
        throw this.#scene.problem(word.at, `${config.name} is launched twice.`, 'Name it once.')
      named.set(config.name, config)
    }
    this.#launch = [...named.values()].filter(({ kind }) => kind === undefined).map(({ name }) => name)
  }

  #cmd({ cmd, at }: Cmd): void {
    if (cmd.replaceAll(/'[^']*'|"(?:\\.|[^"\\])*"/g, '').includes(',')) {
      this.#scene.warn(at, 'a comma in CMD does not separate commands; write one CMD for each.')
    }
    this.#cmds.push(cmd)
  }

  #kubeVersion(word: Word): void {
    const range = this.#scene.text(word).trim()
    if (semver.validRange(range) === null) {
      throw this.#scene.problem(
        word.at,
        `"${range}" is not a range of versions.`,
        'Write e.g. KUBEVERSION >=1.26 <1.30.',
      )
    }
    this.#kubernetes = range
    this.#labels.set(labels.supportedKubernetes, range)
  }

  /** All values are read before the first is set, as in a Dockerfile. */
  #set(values: Map<string, string>, pairs: readonly Pair[]): void {
    const read = pairs.map(({ name, value }) => [this.#scene.text(name), this.#scene.text(value)] as const)
    for (const [name, value] of read) values.set(name, value)
  }

  /** Adds the folders above the entries; what stands at a path twice is the later one. */
  #addLayer(createdBy: string, entries: readonly LayerEntry[]): void {
    const byPath = new Map<string, LayerEntry>()
    for (const { path } of entries) {
      for (let above = posix.dirname(path); above !== '.'; above = posix.dirname(above))
        byPath.set(above, directory(above))
    }
    for (const entry of entries) byPath.set(entry.path, entry)
    for (const { kind, path } of byPath.values()) this.#kinds.set(path, kind)
    this.#layers.push({ createdBy, entries: [...byPath.values()] })
  }

  #refuseUnlaunchable(): void {
    for (const { config, at } of this.#apps.values()) {
      if (at === undefined || config.type !== 'other' || config.cmds !== undefined) continue
      throw this.#scene.problem(
        at,
        `How ${config.name} is launched cannot be seen from its files: they are neither a chart nor all YAML nor all shell scripts.`,
        `Say it with APPCMDS ${config.name} ${this.#commandFor(config.name)}, or make an APP of each kind of files.`,
      )
    }
  }

  /** What an app's commands may look like: kustomizations below its folder are applied one by one. */
  #commandFor(app: string): string {
    const folder = `${appsFolder}/${app}/`
    const kustomization = [...this.#kinds.keys()].find(
      (path) => path.startsWith(folder) && isKustomizationFile(posix.basename(path)),
    )
    if (kustomization === undefined) return '["bash", "install.sh"]'
    return `["kubectl apply -k ${posix.dirname(kustomization.slice(folder.length))}"]`
  }

  #warnOfSilence(): void {
    const { base, kubefile } = this.#input
    const launchedByBase = [...(base?.launch ?? []), ...(base?.cmds ?? [])]
    if (launchedByBase.length === 0 || this.#launch.length + this.#cmds.length > 0) return
    const from = kubefile.instructions.find(({ kind }) => kind === 'FROM')?.at
    if (from === undefined) return
    this.#scene.warn(
      from,
      `the base launches ${launchedByBase.join(', ')}, this image nothing: LAUNCH and CMDS are not inherited.`,
    )
  }
}

function directory(path: string): LayerEntry {
  return { kind: 'folder', path, mode: 0o755, owner: { uid: 0, gid: 0 } }
}

import { basename, posix } from 'node:path'
import semver from 'semver'
import type { Platform } from '../hosts/host.ts'
import { platformText } from '../hosts/host.ts'
import type { AppConfig, ClusterConfig } from '../image/cluster-config.ts'
import type { LayerEntry } from '../image/layer.ts'
import { fileStamp } from '../image/layer-digests.ts'
import type { Logger } from '../logger.ts'
import { type AppSource, appTypeOf, filesBelow } from './app-type.ts'
import { type BuildContext, ContextProblem, type ContextSource, type CopyOptions, nameOf } from './context.ts'
import { download, isUrl } from './download.ts'
import { problemAt } from './errors.ts'
import { isGlob } from './glob.ts'
import type { Add, App, AppCmds, AppEnv, Arg, Copy, Instruction, Launch, Pair } from './instructions.ts'
import type { Kubefile, Position } from './kubefile.ts'
import { expand, type Variables, type Word } from './words.ts'

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
export interface DraftInput {
  readonly kubefile: Kubefile
  readonly platform: Platform
  /** What the base says of itself; undefined for `FROM scratch`. */
  readonly base: ClusterConfig | undefined
  readonly buildArgs: Readonly<Record<string, string>>
  readonly context: BuildContext
  /** Folder that keeps downloads. */
  readonly downloads: string
  readonly logger: Logger
  readonly signal?: AbortSignal
}

/** An app while its instructions are read. */
interface DraftApp {
  readonly config: AppConfig
  /** Where it was declared; undefined when it comes from the base. */
  readonly at?: Position
}

const appsFolder = 'application/apps'

/**
 * Executes a Kubefile for one platform: variables are put in, sources are looked up, apps recognised.
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

/** What FROM names, with the variables that are known before it. */
export function baseOf(
  kubefile: Kubefile,
  platform: Platform,
  buildArgs: Readonly<Record<string, string>>,
): string | undefined {
  const args = new Arguments(platform, buildArgs)
  for (const instruction of kubefile.instructions) {
    if (instruction.kind === 'ARG') args.declare(instruction, (word) => expand(word, args.value, kubefile))
    if (instruction.kind !== 'FROM') continue
    const wanted = instruction.platform === undefined ? undefined : expand(instruction.platform, args.value, kubefile)
    if (wanted !== undefined && wanted !== platformText(platform)) {
      throw problemAt(
        kubefile,
        instruction.platform?.at ?? instruction.at,
        `The base would be for ${wanted}, but the image is built for ${platformText(platform)}.`,
        `Build with --platform ${wanted}, or leave --platform out of FROM.`,
      )
    }
    const image = expand(instruction.image, args.value, kubefile)
    return image === 'scratch' ? undefined : image
  }
  return undefined
}

/** Variables of the build: ARG, and what is known of the platform. */
class Arguments {
  readonly #values = new Map<string, string>()
  readonly #given: Readonly<Record<string, string>>
  readonly #platform: Readonly<Record<string, string>>

  constructor(platform: Platform, given: Readonly<Record<string, string>>) {
    this.#given = given
    this.#platform = {
      ARCH: platform.architecture,
      TARGETARCH: platform.architecture,
      TARGETOS: platform.os,
      TARGETVARIANT: platform.variant ?? '',
      TARGETPLATFORM: platformText(platform),
    }
  }

  declare({ args }: Arg, text: (word: Word) => string): void {
    for (const { name, value } of args) {
      const otherwise = value === undefined ? (this.#values.get(name) ?? this.#platform[name] ?? '') : text(value)
      this.#values.set(name, Object.hasOwn(this.#given, name) ? (this.#given[name] ?? '') : otherwise)
    }
  }

  readonly value: Variables = (name) => this.#values.get(name) ?? this.#platform[name]
}

class Drafting {
  readonly #input: DraftInput
  readonly #args: Arguments
  readonly #layers: DraftLayer[] = []
  readonly #folders = new Set<string>([''])
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
    this.#labels = new Map(Object.entries(input.base?.labels ?? {}))
    this.#apps = new Map(input.base?.apps.map((config) => [config.name, { config }]))
    this.#kubernetes = input.base?.requirements.kubernetes
  }

  async execute(instruction: Instruction): Promise<void> {
    switch (instruction.kind) {
      case 'FROM':
        return
      case 'ARG':
        return this.#args.declare(instruction, this.#text)
      case 'ENV':
        return this.#set(this.#env, instruction.pairs)
      case 'LABEL':
        return this.#set(this.#labels, instruction.pairs)
      case 'MAINTAINER':
        return void this.#labels.set(labels.authors, this.#text(instruction.name))
      case 'COPY':
      case 'ADD':
        return this.#copy(instruction)
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
        return this.#cmd(instruction.cmd, instruction.at)
    }
  }

  result(): Draft {
    for (const { config, at } of this.#apps.values()) {
      if (at === undefined || config.type !== 'other' || config.cmds !== undefined) continue
      throw this.#problem(
        at,
        `How ${config.name} is launched cannot be seen from its files: they are neither a chart nor all YAML nor all shell scripts.`,
        `Say it with APPCMDS ${config.name} ["bash", "install.sh"], or make an APP of each kind of files.`,
      )
    }
    const { base, logger, kubefile } = this.#input
    if (
      base !== undefined &&
      base.launch.length + base.cmds.length > 0 &&
      this.#launch.length + this.#cmds.length === 0
    ) {
      logger.warn(
        `${kubefile.file}: the base image launches ${[...base.launch, ...base.cmds].join(', ')}; this image launches nothing, since LAUNCH and CMDS are not inherited.`,
      )
    }
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
    const { kind, at } = instruction
    const options = this.#copyOptions(instruction)
    const written = this.#text(instruction.target)
    const target = this.#targetOf(instruction.target, written)
    const found: { source: ContextSource | string; word: Word }[] = []
    for (const word of instruction.sources) {
      const text = this.#text(word)
      if (isUrl(text)) found.push({ source: text, word })
      else for (const source of await this.#at(word, () => this.#input.context.find(text))) found.push({ source, word })
    }
    const intoFolder = /(?:^|\/)\.?$/.test(written) || found.length > 1 || this.#folders.has(target)
    const entries: LayerEntry[] = []
    for (const { source, word } of found) {
      const path = intoFolder
        ? posix.join(target, typeof source === 'string' ? urlName(source) : nameOf(source))
        : target
      if (typeof source === 'string') entries.push(await this.#fetched(instruction, word, source, path, options))
      else {
        if (kind === 'ADD') this.#refuseArchive(source, word)
        entries.push(
          ...(await this.#at(word, () =>
            this.#input.context.entries(source, source.stats.isDirectory() ? target : path, options),
          )),
        )
      }
    }
    if (entries.length === 0)
      this.#input.logger.warn(`${at.file}:${at.line}: ${kind} copies nothing: the source is an empty folder.`)
    else this.#addLayer(`${kind} ${instruction.sources.map(this.#text).join(' ')} ${written}`, entries)
  }

  async #fetched(
    instruction: Copy | Add,
    word: Word,
    url: string,
    path: string,
    { owner, mode }: CopyOptions,
  ): Promise<LayerEntry> {
    if (instruction.kind === 'COPY')
      throw this.#problem(
        word.at,
        'COPY takes files of the build context only.',
        'Use ADD --checksum=sha256:… for a URL.',
      )
    const checksum =
      instruction.checksum === undefined
        ? undefined
        : this.#checksum(instruction.checksum.at, this.#text(instruction.checksum))
    if (path === '' || path.endsWith('/'))
      throw this.#problem(word.at, `The address ${url} has no file name.`, 'Name the file in the target.')
    return this.#download(url, path, checksum, { ...(owner && { owner }), mode: mode ?? 0o644 })
  }

  async #download(
    url: string,
    path: string,
    checksum: string | undefined,
    { owner = { uid: 0, gid: 0 }, mode = 0o644 }: CopyOptions,
  ): Promise<LayerEntry> {
    const { downloads, signal } = this.#input
    const { file, digest } = await download(url, downloads, {
      ...(checksum !== undefined && { checksum }),
      ...(signal && { signal }),
    })
    const stamp = await fileStamp(file)
    return { kind: 'file', path, mode, owner, source: file, size: Number(stamp.split(':')[0]), digest, stamp }
  }

  #checksum(at: Position, text: string): string {
    if (/^sha256:[0-9a-f]{64}$/.test(text)) return text
    throw this.#problem(
      at,
      `"${text}" is not a checksum.`,
      'Write sha256: and 64 hex digits, as sha256sum prints them.',
    )
  }

  /** A Dockerfile's ADD unpacks archives; ours does not, so it says so rather than doing something else in silence. */
  #refuseArchive(source: ContextSource, word: Word): void {
    if (!/\.(?:tar|tar\.(?:gz|xz|bz2|zst)|tgz|txz|tbz2?)$/.test(source.path)) return
    throw this.#problem(
      word.at,
      `ADD does not unpack archives yet (${source.path}).`,
      'COPY it to keep it packed, or unpack it into the context.',
    )
  }

  #copyOptions({ chown, chmod }: Copy | Add): CopyOptions {
    const owner = chown === undefined ? undefined : /^(\d+|root)(?::(\d+|root))?$/.exec(this.#text(chown))
    if (chown !== undefined && !owner)
      throw this.#problem(
        chown.at,
        'An owner here is a number.',
        'Write --chown=UID:GID; a cluster image knows no user names.',
      )
    const mode = chmod === undefined ? undefined : /^0?[0-7]{3,4}$/.exec(this.#text(chmod))?.[0]
    if (chmod !== undefined && mode === undefined)
      throw this.#problem(chmod.at, 'A mode here is an octal number.', 'Write e.g. --chmod=0755.')
    const id = (text = '0') => (text === 'root' ? 0 : Number(text))
    return {
      ...(owner && { owner: { uid: id(owner[1]), gid: id(owner[2] ?? owner[1]) } }),
      ...(mode !== undefined && { mode: Number.parseInt(mode, 8) }),
    }
  }

  /** A target as a path from the root of the image, without slashes around it. */
  #targetOf(word: Word, text: string): string {
    if (text === '')
      throw this.#problem(word.at, 'The target is empty.', 'Write a path in the image, or . for its root.')
    const path = posix.normalize(text).replace(/^\/+/, '').replace(/\/+$/, '')
    if (path === '..' || path.startsWith('../'))
      throw this.#problem(word.at, `${text} lies outside of the image.`, 'Targets start at the root of the image.')
    return path === '.' ? '' : path
  }

  async #app({ kind, at, name: nameWord, sources: words }: App): Promise<void> {
    const name = this.#appName(nameWord)
    const before = this.#apps.get(name)
    if (before !== undefined) {
      const where = before.at === undefined ? 'in the base image' : `in line ${before.at.line}`
      throw this.#problem(
        nameWord.at,
        `There is an app ${name} already, ${where}.`,
        `Give all its sources to one ${kind}, or choose another name.`,
      )
    }
    const folder = `${appsFolder}/${name}`
    const entries: LayerEntry[] = []
    const sources: AppSource[] = []
    for (const word of words) {
      const added = await this.#appSource(word, folder)
      const twice = added.find(
        (entry) =>
          entry.kind !== 'folder' && entries.some(({ path, kind: other }) => path === entry.path && other !== 'folder'),
      )
      if (twice !== undefined) {
        throw this.#problem(
          word.at,
          `${twice.path.slice(folder.length + 1)} comes from two sources of ${name}.`,
          'Give one of the files another name.',
        )
      }
      entries.push(...added)
      sources.push({ files: filesBelow(folder, added) })
    }
    const type = appTypeOf(sources)
    if ('chartAt' in type) {
      const source = words.map(this.#text).find((text) => text.startsWith('local://')) ?? ''
      throw this.#problem(
        at,
        `The chart of ${name} is not at the top of its folder but in ${type.chartAt}.`,
        `Write ${kind} ${name} ${posix.join(source.slice('local://'.length), type.chartAt).replace(/^/, 'local://')}.`,
      )
    }
    this.#apps.set(name, {
      at,
      config: { name, ...type, ...(kind === 'APP' ? {} : { kind: kind === 'CNI' ? 'cni' : 'csi' }) },
    })
    if (kind !== 'APP') this.#labels.set(`${kind === 'CNI' ? labels.cni : labels.csi}${name}`, 'true')
    this.#addLayer(`${kind} ${name} ${words.map(this.#text).join(' ')}`, [directory(folder), ...entries])
  }

  async #appSource(word: Word, folder: string): Promise<LayerEntry[]> {
    const text = this.#text(word)
    if (isUrl(text)) {
      const [url = '', fragment] = text.split('#')
      const file = urlName(url)
      if (file === '')
        throw this.#problem(
          word.at,
          `The address ${url} has no file name.`,
          'An app’s file needs one that tells its type, e.g. web.yaml.',
        )
      return [
        await this.#download(
          url,
          `${folder}/${file}`,
          fragment === undefined ? undefined : this.#checksum(word.at, fragment),
          {},
        ),
      ]
    }
    const path = /^local:\/\/(.+)$/.exec(text)?.[1]
    if (path === undefined) {
      throw this.#problem(
        word.at,
        `${text} is no source of an app.`,
        'Write local://PATH for files of the build context, or an http:// or https:// address.',
      )
    }
    if (isGlob(path))
      throw this.#problem(
        word.at,
        'Patterns are not allowed in sources of an app.',
        'Name each file, or the folder that holds them.',
      )
    return this.#at(word, async () => {
      const source = await this.#input.context.one(path)
      const target = source.stats.isDirectory() ? folder : `${folder}/${nameOf(source)}`
      return (await this.#input.context.entries(source, target)).filter((entry) => entry.path !== folder)
    })
  }

  #appName(word: Word): string {
    const name = this.#text(word)
    if (/^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/.test(name) && !name.includes('..')) return name
    throw this.#problem(
      word.at,
      `"${name}" cannot be the name of an app.`,
      'A name has letters, digits, single dots, _ and -, and begins and ends with a letter or digit.',
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
      this.#input.logger.warn(
        `${at.file}:${at.line}: the strings of APPCMDS are joined into one command; for several write "a && b" as one string.`,
      )
    }
    this.#apps.set(config.name, { ...rest, config: { ...config, cmds: [cmds.join(' ')] } })
  }

  #declared(word: Word): DraftApp {
    const name = this.#text(word)
    const app = this.#apps.get(name)
    if (app !== undefined) return app
    const known = [...this.#apps.keys()]
    const apart = name.includes(',')
      ? 'Separate names by blanks, not by commas.'
      : `Declare it above with APP ${name} local://…; known here: ${known.join(', ') || 'none'}.`
    throw this.#problem(word.at, `There is no app ${name} at this place.`, apart)
  }

  #launchApps({ apps }: Launch): void {
    const names: string[] = []
    for (const word of apps) {
      const { name, kind } = this.#declared(word).config
      if (names.includes(name)) throw this.#problem(word.at, `${name} is launched twice.`, 'Name it once.')
      if (kind === undefined) names.push(name)
      else this.#input.logger.info(`${word.at.file}:${word.at.line}: ${name} is launched before all other apps anyway.`)
    }
    this.#launch = names
  }

  #cmd(cmd: string, at: Position): void {
    if (cmd.replaceAll(/'[^']*'|"(?:\\.|[^"\\])*"/g, '').includes(',')) {
      this.#input.logger.warn(
        `${at.file}:${at.line}: a comma in CMD does not separate commands; write one CMD for each.`,
      )
    }
    this.#cmds.push(cmd)
  }

  #kubeVersion(word: Word): void {
    const range = this.#text(word).trim()
    if (semver.validRange(range) === null)
      throw this.#problem(word.at, `"${range}" is not a range of versions.`, 'Write e.g. KUBEVERSION >=1.26 <1.30.')
    this.#kubernetes = range
    this.#labels.set(labels.supportedKubernetes, range)
  }

  #set(values: Map<string, string>, pairs: readonly Pair[]): void {
    for (const [name, value] of pairs.map((pair) => [this.#text(pair.name), this.#text(pair.value)] as const))
      values.set(name, value)
  }

  /** Adds the folders above the entries; what stands at a path twice is the later one. */
  #addLayer(createdBy: string, entries: readonly LayerEntry[]): void {
    const byPath = new Map<string, LayerEntry>()
    for (const { path } of entries) {
      for (let parent = posix.dirname(path); parent !== '.'; parent = posix.dirname(parent))
        byPath.set(parent, directory(parent))
    }
    for (const entry of entries) byPath.set(entry.path, entry)
    for (const { kind, path } of byPath.values())
      kind === 'folder' ? this.#folders.add(path) : this.#folders.delete(path)
    this.#layers.push({ createdBy, entries: [...byPath.values()] })
  }

  async #at<T>(word: Word, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw error instanceof ContextProblem ? this.#problem(word.at, error.message, error.remedy) : error
    }
  }

  readonly #text = (word: Word): string =>
    expand(word, (name) => this.#env.get(name) ?? this.#args.value(name), this.#input.kubefile)

  #problem(at: Position, reason: string, remedy: string) {
    return problemAt(this.#input.kubefile, at, reason, remedy)
  }
}

function directory(path: string): LayerEntry {
  return { kind: 'folder', path, mode: 0o755, owner: { uid: 0, gid: 0 } }
}

/** The last part of a URL's path. */
function urlName(url: string): string {
  return basename(decodeURIComponent(new URL(url).pathname))
}

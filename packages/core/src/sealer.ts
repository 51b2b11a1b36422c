import type { Readable, Writable } from 'node:stream'
import type { Clock } from './clock.ts'
import type { SealerHooks } from './hooks.ts'
import type { HostSpec, Platform, TerminalWindow } from './hosts/host.ts'
import type { PlatformImage } from './image/cluster-config.ts'
import type { ImageDiff } from './image/diff.ts'
import type { HistoryEntry } from './image/history.ts'
import type { ImageStore, StoredImage } from './image/image-store.ts'
import type { RootfsFile } from './image/rootfs-files.ts'
import type { BuildReport } from './lifecycles/build-types.ts'
import type { FindOptions, FindReport } from './lifecycles/find.ts'
import type { ImageWishFiles } from './lifecycles/image-wishes.ts'
import type { InstallReport } from './lifecycles/reports.ts'
import type { Logger } from './logger.ts'
import type { ChartWishes } from './manifests/value-sets.ts'
import type { MergeReport } from './merge/merge-images.ts'
import type { Plan } from './plan.ts'
import type { Plugin } from './plugin.ts'
import type { OnEvent } from './run-events.ts'
import type { ClusterStatus } from './runtime.ts'
import type { Sbom } from './sbom/sbom.ts'
import type { SecretRef, Secrets } from './secrets.ts'
import type { Standing } from './trust/gate.ts'
import type { KeyRef, SignatureReport, SignOptions, TrustOptions, TrustRule } from './trust/signing.ts'
import type { Wanted } from './wanted.ts'
import type { Wish } from './wish.ts'

/** What to do with a host key that is not known. A changed key is always refused. */
export type HostKeyPolicy =
  /** Only keys of known_hosts or pinned by this cluster. */
  | { readonly kind: 'strict' }
  /** An unknown key is accepted and pinned. */
  | { readonly kind: 'accept-new' }
  /** The caller decides about an unknown key (a question on a terminal); true pins it. */
  | { readonly kind: 'ask'; readonly ask: (host: string, fingerprint: string) => Promise<boolean> }

export interface SealerOptions {
  /** Folder of everything this sealer keeps: store, clusters, site, auth. `~/.sealer` for the command. */
  readonly home: string
  readonly plugins?: readonly Plugin[]
  readonly logger?: Logger
  readonly clock?: Clock
  readonly secrets?: Secrets
  readonly hostKeys?: HostKeyPolicy
  /** Files of known host keys, `~/.ssh/known_hosts` for the command; none when nothing is said. */
  readonly knownHosts?: readonly string[]
  /** An ssh_config(5) for what nobody has said of a host's login, `~/.ssh/config` for the command; none when nothing is said. */
  readonly sshConfig?: string
  /** Images that lack a signature of a trusted key are used all the same, with a warning. */
  readonly insecureUnsigned?: boolean
}

/** What every long operation takes. */
export interface Watch {
  readonly signal?: AbortSignal
  readonly onEvent?: OnEvent
}

export interface BuildOptions extends ImageWishFiles {
  readonly context: string
  /** Kubefile's path; `Kubefile` in the context when nothing is said. */
  readonly file?: string
  readonly tag: string
  /** This machine's platform when nothing is said. */
  readonly platforms?: readonly Platform[]
  readonly buildArgs?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly type?: 'kube-installer' | 'app-installer'
  /** What charts are rendered with, beside their own values. */
  readonly charts?: ChartWishes
  /** Pins of base and container images; without it names mean what the registries say. */
  readonly lock?: LockOptions
  readonly noCache?: boolean
  /** Attach an SBOM to the image (docs/design/sbom.md). */
  readonly sbom?: boolean
  /** Of the layers that this build makes; gzip when nothing is said. */
  readonly compression?: 'gzip' | 'zstd'
  /** `missing`: the base is pulled only when the store lacks it. */
  readonly pull?: 'missing' | 'always' | 'never'
  /** Find container images by making a throw-away cluster of the image; without it they are found by reading alone. */
  readonly observe?: ObserveOptions
  readonly onProgress?: (line: string) => void
  readonly signal?: AbortSignal
}

/** How a build observes a cluster (docs/design/observed-build.md). */
export interface ObserveOptions {
  /** One when nothing is said; the first is the control plane. */
  readonly hosts?: number
  /** Seconds for each of the two clusters; 900 when nothing is said. */
  readonly timeoutSeconds?: number
  /** Seconds in which nothing new may be asked for; 30 when nothing is said. */
  readonly settleSeconds?: number
  /** What else is wished of the cluster, e.g. variables of its apps. */
  readonly wish?: Pick<Wish, 'env' | 'apps' | 'cmds' | 'runtimeOptions' | 'infra' | 'infraOptions' | 'documents'>
  /** Run a base image on this machine although nothing proves who has made it. */
  readonly insecure?: boolean
}

/** How a build uses its lock file (docs/design/lock-file.md): pins are honoured, missing ones added. */
export interface LockOptions {
  /** Absolute path. */
  readonly file: string
  /** Build from the file alone: what it does not pin is refused, and it is not written. */
  readonly locked?: boolean
  /** Renew all pins, or those of these names (short ones are completed as docker does). */
  readonly update?: boolean | readonly string[]
}

/** Bytes moved of a transfer; `total` never shrinks. */
export type OnTransfer = (progress: { readonly done: number; readonly total: number; readonly what: string }) => void

export interface TransferOptions {
  /** Plain HTTP or an unverified certificate for this registry. */
  readonly insecure?: boolean
  readonly platforms?: readonly Platform[]
  readonly onProgress?: OnTransfer
  readonly signal?: AbortSignal
}

/** How images are saved. */
export interface SaveOptions extends TransferOptions {
  /** Images that the receiver has: their configs and layers are left out. */
  readonly since?: readonly string[]
}

/** How images are loaded. */
export interface LoadOptions extends TransferOptions {
  /** Name of the one image that the archive holds, whatever name it has there. */
  readonly tag?: string
}

/** What is cleared away. */
export interface PruneOptions {
  /** Says what would go, and removes nothing. */
  readonly dryRun?: boolean
  /** Results of builds that nobody has used for this long go, in milliseconds; a week when nothing is said. */
  readonly olderThan?: number
  /** Bytes of results of builds that stay; beyond them goes what was used least lately. */
  readonly keep?: number
  readonly signal?: AbortSignal
}

/** Something that neither an image nor a build needs. */
export interface Unneeded {
  /**
   * Results of builds, which a next build would make again: a `layer`, a `tree` of unpacked files, a `download` of ADD. And what nobody asks for: a
   * `blob` without a name, a `transfer` that was broken off.
   */
  readonly kind: 'layer' | 'tree' | 'download' | 'blob' | 'transfer'
  readonly name: string
  readonly bytes: number
  /** Milliseconds since 1970. */
  readonly used: number
}

export interface PruneReport {
  readonly removed: readonly Unneeded[]
  /** Bytes. */
  readonly freed: number
  /** Bytes of results of builds that stay. */
  readonly left: number
  /** Builds that were under way: their results were all left alone. */
  readonly builds: number
  readonly dryRun: boolean
}

/** Cluster images of this machine, and their way from and to registries and files. */
export interface Images {
  readonly store: ImageStore
  list(): Promise<readonly StoredImage[]>
  /**
   * Lets an image of the store pass, or refuses it: made here, or signed by a key that is trusted for its name, or, as long as none is
   * trusted for it, with a warning. Everything that looks into an image asks first.
   * @throws SIGNATURE_MISSING, SIGNATURE_UNTRUSTED, SIGNATURE_OF_OTHER_IMAGE …
   */
  admit(image: string | Pick<StoredImage, 'reference' | 'digest'>): Promise<void>
  /** Why an image of the store may be used. @throws as `admit`, whatever is said about unsigned images */
  standing(reference: string): Promise<Standing>
  /** Signs the digest of an image, as cosign does; the signature goes wherever the image goes. */
  sign(reference: string, options: SignOptions): Promise<SignatureReport>
  /** What an image is made of, as CycloneDX; attached, it goes wherever the image goes. */
  sbom(
    reference: string,
    options?: { readonly attach?: boolean; readonly signal?: AbortSignal },
  ): Promise<Sbom & { readonly attached?: string }>
  /** Verifies an image by a key, or by those that are trusted for its name. @throws SIGNATURE_MISSING, … */
  verify(reference: string, by?: { readonly key?: KeyRef; readonly identity?: string }): Promise<SignatureReport>
  inspect(reference: string): Promise<{ readonly image: StoredImage; readonly platforms: readonly PlatformImage[] }>
  /** The layers of each platform, the newest first. */
  history(reference: string): Promise<readonly HistoryEntry[]>
  /** Every file of a platform's root file system, in the order of paths. @throws IMAGE_PLATFORM_MISSING */
  files(reference: string, platform: Platform, signal?: AbortSignal): Promise<readonly RootfsFile[]>
  /** What makes one image another one, and what goes to a receiver of the first who wants the second. */
  diff(before: string, after: string, signal?: AbortSignal): Promise<ImageDiff>
  /**
   * Makes one image of several: the union of their files, apps and container images, the later over the earlier. What this machine lacks is pulled.
   * @throws MERGE_CONFLICTS with everything in which they contradict each other
   */
  merge(references: readonly string[], tag: string, options?: TransferOptions): Promise<MergeReport>
  /** Clears away what no image and no build that is under way needs. */
  prune(options?: PruneOptions): Promise<PruneReport>
  tag(source: string, target: string): Promise<void>
  /** Takes a name away, and every blob that no other name needs. Gives the bytes freed. */
  remove(reference: string): Promise<{ readonly freed: number }>
  /** Writes an OCI archive (tar) of one image or several to a file, or to a stream, which is ended. */
  save(references: string | readonly string[], target: string | Writable, options?: SaveOptions): Promise<void>
  /** Reads an OCI archive (tar) or a layout folder; gives the names it brought. */
  load(file: string | Readable, options?: LoadOptions): Promise<readonly StoredImage[]>
  pull(reference: string, options?: TransferOptions): Promise<StoredImage>
  push(
    reference: string,
    target?: string,
    options?: TransferOptions,
  ): Promise<{
    readonly digest: string
    readonly sent: number
    readonly present: number
    readonly warnings: readonly string[]
  }>
  login(registry: string, user: string, password: SecretRef, options?: { readonly insecure?: boolean }): Promise<void>
  /** Full names: the tags of a repository (`nginx`, `quay.io/team/app`), or the repositories of a registry whose name holds the text. */
  search(
    text: string,
    options?: { readonly insecure?: boolean; readonly signal?: AbortSignal },
  ): Promise<readonly string[]>
  logout(registry: string): Promise<void>
}

/** How to remove a cluster. */
export interface RemoveOptions extends Watch {
  /** Go on although hosts do not answer; what they hold of the cluster stays there. */
  readonly force?: boolean
}

/** A cluster as this machine remembers it. */
export interface ClusterRecord {
  readonly name: string
  readonly image: string
  readonly digest: string
  readonly runtime: string
  readonly infra: string
  readonly hosts: readonly HostSpec[]
  readonly runtimeOptions: Wanted['runtimeOptions']
  readonly infraOptions: Wanted['infraOptions']
  readonly registry: Wanted['registry']
  /** Milliseconds since 1970. */
  readonly created: number
}

/** Keys whose signatures count on this machine (docs/design/signatures.md). */
export interface Trust {
  list(): Promise<readonly TrustRule[]>
  /** From now on images of these names must be signed by it, or by another key that is trusted for them. */
  add(key: KeyRef, options?: TrustOptions): Promise<TrustRule>
  /** Takes a key away, by the beginning of its id; gives how many rules are gone. @throws TRUSTED_KEY_NOT_FOUND */
  remove(id: string, pattern?: string): Promise<number>
}

/** Library entry: plugins in, lifecycles out. Touches nothing outside `home` and the hosts; no globals, no console, no signal handlers. */
export interface Sealer extends AsyncDisposable {
  readonly hooks: SealerHooks
  readonly images: Images
  readonly trust: Trust
  build(options: BuildOptions): Promise<BuildReport>
  /** What a build would pack of a folder or a file, without building. */
  findImages(options: FindOptions): Promise<FindReport>
  /** What `apply` would do. Changes nothing. @throws CHECKS_FAILED with every problem found */
  plan(wish: Wish, watch?: Watch): Promise<Plan>
  /** Makes the cluster equal to the wish. Applied twice, the second run has no steps. */
  apply(wish: Wish, watch?: Watch): Promise<InstallReport>
  /** What `remove` would do. */
  planRemove(cluster: string, options?: RemoveOptions): Promise<Plan>
  /** Takes the cluster off its hosts, then gives the hosts back to the infra that made them. */
  remove(cluster: string, options?: RemoveOptions): Promise<void>
  clusters(): Promise<readonly ClusterRecord[]>
  /** @throws CLUSTER_NOT_FOUND */
  cluster(name: string): Promise<ClusterRecord>
  status(cluster: string, watch?: Watch): Promise<ClusterStatus>
  /** The administrator's kubeconfig as text. */
  kubeconfig(cluster: string, watch?: Watch): Promise<string>
  /** Runs a command where the cluster's apps are launched from (kubectl, helm), with streams attached. Gives its exit code. */
  exec(cluster: string, argv: readonly string[], streams: ExecStreams, watch?: Watch): Promise<number>
  /** The checks of `apply` alone: every problem of the hosts, with remedies. */
  check(wish: Wish, watch?: Watch): Promise<readonly CheckResult[]>
}

/** Where a command's input comes from and its output goes. */
export interface ExecStreams {
  readonly input?: Readable
  readonly onOutput: (chunk: Buffer, stream: 'stdout' | 'stderr') => void
  /** The command gets a terminal, as for a shell or an editor; all output is `stdout` then. */
  readonly terminal?: TerminalWindow
}

/** One check of one host. */
export interface CheckResult {
  /** Stable id, e.g. `port-free`. */
  readonly id: string
  readonly host?: string
  readonly ok: boolean
  readonly message: string
  readonly remedy?: string
}

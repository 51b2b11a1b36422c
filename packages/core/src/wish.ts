import type { HostSpec, SshAccess } from './hosts/host.ts'
import type { Wanted, WantedDocument } from './wanted.ts'

/** One source of wishes: a Clusterfile, or the command line. What is undefined is left to the weaker source. */
export interface Wish {
  readonly cluster?: string
  readonly image?: string
  readonly runtime?: string
  readonly infra?: string
  /** SSH settings for hosts that say none of their own. */
  readonly ssh?: Partial<SshAccess>
  /** Hosts by address; names are derived where none is given. */
  readonly hosts?: readonly WishedHost[]
  readonly counts?: { readonly masters: number; readonly nodes: number }
  readonly env?: Readonly<Record<string, string>>
  readonly apps?: readonly string[]
  readonly cmds?: readonly string[]
  readonly runtimeOptions?: Readonly<Record<string, unknown>>
  readonly infraOptions?: Readonly<Record<string, unknown>>
  readonly documents?: readonly WantedDocument[]
  readonly hostAliases?: Wanted['hostAliases']
  readonly registry?: Partial<Wanted['registry']>
  readonly timeoutSeconds?: number
  /** Plugins to load, by package name, with their options. */
  readonly plugins?: readonly { readonly name: string; readonly options?: Readonly<Record<string, unknown>> }[]
}

/** A host as a user names it. */
export interface WishedHost extends Omit<HostSpec, 'name' | 'ssh'> {
  readonly name?: string
  readonly ssh?: Partial<SshAccess>
}

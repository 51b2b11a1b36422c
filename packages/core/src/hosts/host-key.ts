import type { ServerHostKeyAlgorithm } from 'ssh2'
import { errors } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { HostKeyPolicy } from '../sealer.ts'
import { fingerprint, type KnownHost, keyType, parseKnownHosts, speaksOf } from './known-hosts.ts'
import { pinHostKey, textOrNothing } from './pin-file.ts'

export interface HostKeyOptions {
  /** Absent: an unknown key is pinned where no password is sent, and refused where one is. */
  readonly policy?: HostKeyPolicy
  /** Files in the form of known_hosts; read, never written. */
  readonly knownHosts?: readonly string[]
  /** Where accepted keys are pinned; goes before the other files. Absent: for this run only. */
  readonly pinFile?: string
  readonly logger: Logger
}

/** Whose key is checked. */
export interface KeyOwner {
  readonly name: string
  readonly address: string
  readonly port: number
  /** Whether a password goes to this host, for its login or for sudo. */
  readonly sendsPassword: boolean
}

/** Decides about host keys. A changed or revoked key is always refused. */
export interface HostKeys {
  checkFor(owner: KeyOwner): KeyCheck
}

export interface KeyCheck {
  /** Algorithms with those of known keys first: another type would look like a changed key. */
  algorithms(): Promise<ServerHostKeyAlgorithm[]>
  /** Whether the key may be used now. */
  trusted(key: Buffer): Promise<boolean>
  /**
   * To be called when a connection has failed: true when the key was the reason and is settled now, so that connecting again succeeds.
   * @throws HOST_KEY_CHANGED, HOST_KEY_UNKNOWN, HOST_KEY_REVOKED
   */
  settled(): Promise<boolean>
}

/** Without `ssh-rsa`, whose signatures are SHA-1. */
const algorithms: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
]

type Verdict = 'trusted' | 'unknown' | 'changed' | 'revoked'

export function createHostKeys({ policy, knownHosts = [], pinFile, logger }: HostKeyOptions): HostKeys {
  const pinnedHere: KnownHost[] = []
  /** One question at a time. */
  let asking: Promise<unknown> = Promise.resolve()

  const entriesIn = async (files: readonly string[]) => {
    const texts = await Promise.all(files.map(textOrNothing))
    return texts.flatMap(parseKnownHosts).filter(({ marker }) => marker !== 'cert-authority')
  }
  const load = async ({ address, port }: KeyOwner) => {
    const own = [...pinnedHere, ...(await entriesIn(pinFile === undefined ? [] : [pinFile]))]
    const foreign = await entriesIn(knownHosts)
    const of = (entries: readonly KnownHost[], revoked: boolean) =>
      entries
        .filter((entry) => (entry.marker === 'revoked') === revoked && speaksOf(entry, address, port))
        .map(({ key }) => Buffer.from(key, 'base64'))
    const pinned = of(own, false)
    return { known: pinned.length > 0 ? pinned : of(foreign, false), revoked: of([...own, ...foreign], true) }
  }
  const judge = async (owner: KeyOwner, key: Buffer): Promise<Verdict> => {
    const { known, revoked } = await load(owner)
    if (revoked.some((one) => one.equals(key))) return 'revoked'
    if (known.some((one) => one.equals(key))) return 'trusted'
    return known.length > 0 ? 'changed' : 'unknown'
  }
  const pin = async ({ name, address, port }: KeyOwner, key: Buffer) => {
    if (pinFile !== undefined) await pinHostKey(pinFile, address, port, key)
    else
      pinnedHere.push(
        ...parseKnownHosts(`${port === 22 ? address : `[${address}]:${port}`} - ${key.toString('base64')}`),
      )
    logger.info(`The host key of ${name} is remembered: ${fingerprint(key)}`)
  }
  const acceptsNew = (owner: KeyOwner) =>
    policy?.kind === 'accept-new' || (policy === undefined && !owner.sendsPassword)

  /** True: pinned by a yes. */
  const asked = async (owner: KeyOwner, key: Buffer): Promise<boolean> => {
    if (policy?.kind !== 'ask') return false
    const turn = asking.then(async () => {
      const yes = (await judge(owner, key)) === 'trusted' || (await policy.ask(owner.name, fingerprint(key))) === true
      if (yes) await pin(owner, key)
      return yes
    })
    asking = turn.catch(() => {})
    return await turn
  }

  return {
    checkFor(owner) {
      let refused: { readonly key: Buffer; readonly verdict: Verdict } | undefined
      return {
        algorithms: async () => {
          const types = new Set((await load(owner)).known.map(keyType))
          const isKnown = (algorithm: string) => types.has(algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm)
          return algorithms.toSorted((a, b) => Number(isKnown(b)) - Number(isKnown(a)))
        },
        trusted: async (key) => {
          refused = undefined
          const verdict = await judge(owner, key)
          if (verdict === 'trusted') return true
          if (verdict === 'unknown' && acceptsNew(owner)) {
            await pin(owner, key)
            return true
          }
          refused = { key, verdict }
          return false
        },
        settled: async () => {
          if (refused === undefined) return false
          const { key, verdict } = refused
          const offered = fingerprint(key)
          if (verdict === 'revoked') throw errors.HOST_KEY_REVOKED({ host: owner.name, offered })
          if (verdict === 'changed') {
            const known = (await load(owner)).known.map(fingerprint).join(', ')
            throw errors.HOST_KEY_CHANGED({ host: owner.name, known, offered })
          }
          if (await asked(owner, key)) return true
          throw errors.HOST_KEY_UNKNOWN({ host: owner.name, offered })
        },
      }
    },
  }
}

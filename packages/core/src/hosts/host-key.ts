import type { ServerHostKeyAlgorithm } from 'ssh2'
import { errors } from '../errors.ts'
import type { Logger } from '../logger.ts'
import type { HostKeyPolicy } from '../sealer.ts'
import { fingerprint, keyType, nameOf, parseKnownHosts, speaksOf } from './known-hosts.ts'
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

interface KnownKey {
  readonly key: Buffer
  /** The file that holds it. */
  readonly file: string
  readonly revoked: boolean
}

/** What files say of a host. Keys that sign others are passed over: ssh2 cannot check certificates. */
async function entriesOf(files: readonly string[], { address, port }: KeyOwner): Promise<KnownKey[]> {
  const entries = files.map(async (file) =>
    parseKnownHosts(await textOrNothing(file))
      .filter((entry) => entry.marker !== 'cert-authority' && speaksOf(entry, address, port))
      .map(({ key, marker }) => ({ key: Buffer.from(key, 'base64'), file, revoked: marker === 'revoked' })),
  )
  return (await Promise.all(entries)).flat()
}

type Verdict = 'trusted' | 'unknown' | 'changed' | 'revoked'

export function createHostKeys({ policy, knownHosts = [], pinFile, logger }: HostKeyOptions): HostKeys {
  const pinned: { readonly owner: KeyOwner; readonly key: Buffer }[] = []
  /** One question at a time. */
  let asking: Promise<unknown> = Promise.resolve()

  const load = async (owner: KeyOwner) => {
    const ofRun = pinned.filter(({ owner: { address, port } }) => address === owner.address && port === owner.port)
    const here = [
      ...ofRun.map(({ key }) => ({ key, file: '(this run)', revoked: false })),
      ...(await entriesOf(pinFile === undefined ? [] : [pinFile], owner)),
    ]
    const all = [...here, ...(await entriesOf(knownHosts, owner))]
    const decided = here.some(({ revoked }) => !revoked)
    return {
      known: (decided ? here : all).filter((entry) => !entry.revoked),
      revoked: all.filter((entry) => entry.revoked),
    }
  }
  const judge = async (owner: KeyOwner, key: Buffer): Promise<Verdict> => {
    const { known, revoked } = await load(owner)
    if (revoked.some((one) => one.key.equals(key))) return 'revoked'
    if (known.some((one) => one.key.equals(key))) return 'trusted'
    return known.length > 0 ? 'changed' : 'unknown'
  }
  const pin = async (owner: KeyOwner, key: Buffer) => {
    if (pinFile === undefined) pinned.push({ owner, key })
    else await pinHostKey(pinFile, owner.address, owner.port, key)
    logger.info(`The host key of ${owner.name} is remembered: ${fingerprint(key)}`)
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
          const types = new Set((await load(owner)).known.map(({ key }) => keyType(key)))
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
            const { known } = await load(owner)
            throw errors.HOST_KEY_CHANGED({
              host: owner.name,
              known: known.map((one) => fingerprint(one.key)).join(', '),
              offered,
              place: nameOf(owner.address, owner.port),
              file: known[0]?.file ?? '',
            })
          }
          if (await asked(owner, key)) return true
          throw errors.HOST_KEY_UNKNOWN({ host: owner.name, offered })
        },
      }
    },
  }
}

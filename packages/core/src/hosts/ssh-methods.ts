import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { AnyAuthMethod, AuthenticationType, AuthHandlerMiddleware, ParsedKey } from 'ssh2'
import ssh2 from 'ssh2'
import { errors } from '../errors.ts'
import type { Secrets } from '../secrets.ts'
import type { SshAccess } from './host.ts'

/** One way to log in, and what an error calls it. */
export interface LoginMethod {
  readonly title: string
  /** Kind of the SSH protocol; a server may rule it out (RFC 4252). */
  readonly kind: AuthenticationType
  /** Undefined: it cannot be tried, and the title says why. */
  readonly method: AnyAuthMethod | undefined
}

/** Where this machine keeps what SSH uses. */
export interface SshSurroundings {
  /** Socket of the agent, `SSH_AUTH_SOCK` when nothing is said; empty: none. */
  readonly agent?: string
  /** Home folder, which holds `.ssh`; that of this process's user when nothing is said. */
  readonly home?: string
}

const usualKeys = ['id_ed25519', 'id_ecdsa', 'id_rsa']

/**
 * Ways to log in, in order: what the user has named (key, then password), then the agent, then the usual keys. Named ones come first since
 * a server counts the failures, and an agent may hold many keys.
 * @throws KEY_UNREADABLE, SECRET_UNREADABLE
 */
export async function loginMethods(
  access: SshAccess,
  secrets: Secrets,
  { agent = process.env.SSH_AUTH_SOCK ?? '', home = homedir() }: SshSurroundings,
): Promise<LoginMethod[]> {
  const { user: username, privateKey, useAgent = true } = access
  const named = privateKey === undefined ? [] : [await namedKey(privateKey.replace(/^~(?=\/)/, home), access, secrets)]
  const password = access.password === undefined ? [] : passwordMethods(username, await secrets.read(access.password))
  const agents: LoginMethod[] =
    useAgent && agent !== '' ? [{ title: 'agent', kind: 'publickey', method: { type: 'agent', username, agent } }] : []
  const usual = privateKey === undefined ? await keysIn(join(home, '.ssh'), access, secrets) : []
  return [...named, ...password, ...agents, ...usual]
}

/** Hands ssh2 one method after the other, passing over what the server rules out, and notes what was tried. */
export function authHandler(methods: readonly LoginMethod[], tried: string[]): AuthHandlerMiddleware {
  const waiting = [...methods]
  return (left, _partial, next) => {
    for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
      const ruledOut = left !== null && left !== undefined && !left.includes(one.kind)
      tried.push(ruledOut ? `${one.title} (not offered by the host)` : one.title)
      if (one.method !== undefined && !ruledOut) return next(one.method)
    }
    next(false as never) // the types lack it: ends the login
  }
}

async function namedKey(path: string, access: SshAccess, secrets: Secrets): Promise<LoginMethod> {
  const method = await keyMethod(path, access, secrets).catch((cause: Error) => {
    throw errors.KEY_UNREADABLE({ path, reason: cause.message }, { cause })
  })
  return method ?? { title: `key ${path} (encrypted, no passphrase given)`, kind: 'publickey', method: undefined }
}

async function keysIn(folder: string, access: SshAccess, secrets: Secrets): Promise<LoginMethod[]> {
  const methods = usualKeys.map((name) => keyMethod(join(folder, name), access, secrets).catch(() => undefined))
  return (await Promise.all(methods)).filter((method) => method !== undefined)
}

/** Undefined for an encrypted key without a passphrase: the agent may hold it. */
async function keyMethod(path: string, access: SshAccess, secrets: Secrets): Promise<LoginMethod | undefined> {
  const text = await readFile(path)
  const bare = ssh2.utils.parseKey(text)
  if (bare instanceof Error && /no passphrase given/i.test(bare.message)) {
    if (access.passphrase === undefined) return undefined
    const passphrase = await secrets.read(access.passphrase)
    return publicKey(path, access.user, parsed(ssh2.utils.parseKey(text, passphrase)))
  }
  return publicKey(path, access.user, parsed(bare))
}

function parsed(key: ParsedKey | Error): ParsedKey {
  if (key instanceof Error) throw key
  if (!key.isPrivateKey()) throw new Error('it is a public key')
  return key
}

const publicKey = (path: string, username: string, key: ParsedKey): LoginMethod => ({
  title: `key ${path}`,
  kind: 'publickey',
  method: { type: 'publickey', username, key },
})

/** Many servers offer one of both only: PAM's is keyboard-interactive. */
function passwordMethods(username: string, password: string): LoginMethod[] {
  return [
    { title: 'password', kind: 'password', method: { type: 'password', username, password } },
    {
      title: 'password by keyboard-interactive',
      kind: 'keyboard-interactive',
      method: {
        type: 'keyboard-interactive',
        username,
        // One hidden question is the password; anything else (a second factor) is not ours to answer.
        prompt: (_name, _instructions, _language, prompts, finish) =>
          finish(prompts.map(({ echo }) => (prompts.length === 1 && echo !== true ? password : ''))),
      },
    },
  ]
}

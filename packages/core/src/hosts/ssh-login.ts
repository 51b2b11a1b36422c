import type { Client, ConnectConfig } from 'ssh2'
import { backoff } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import { errors, SealerError } from '../errors.ts'
import type { Secrets } from '../secrets.ts'
import type { Dial, HostSpec, SshAccess } from './host.ts'
import type { HostKeys } from './host-key.ts'
import { plainText } from './output-lines.ts'
import { connect } from './ssh-client.ts'
import { authHandler, type LoginMethod, loginMethods, type SshSurroundings } from './ssh-methods.ts'

export interface LoginOptions extends SshSurroundings {
  readonly secrets: Secrets
  readonly clock: Clock
  readonly hostKeys: HostKeys
  readonly dial?: Dial
  /** Milliseconds for which a host that does not answer is tried again: it may be starting. */
  readonly deadlineMs?: number
  readonly signal?: AbortSignal
}

/** GCM is fastest in OpenSSL; nothing with CBC or SHA-1. */
const ciphers = ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes192-ctr', 'aes256-ctr'] as const

/**
 * Logs in to a host. What can heal (nobody listens yet, no answer) is tried again until the deadline; a refused login or key is not.
 * @throws HOST_UNREACHABLE, HOST_AUTH_FAILED, HOST_KEY_CHANGED, HOST_KEY_UNKNOWN, KEY_UNREADABLE, SECRET_UNREADABLE
 */
export async function logIn(host: HostSpec, access: SshAccess, options: LoginOptions): Promise<Client> {
  const { secrets, clock, deadlineMs = 30_000, signal } = options
  const methods = await loginMethods(access, secrets, options)
  try {
    return await backoff(() => attempt(host, access, methods, options), {
      deadlineMs,
      clock,
      retry: canHeal,
      ...(signal === undefined ? {} : { signal }),
    })
  } catch (cause) {
    signal?.throwIfAborted()
    if (SealerError.is(cause) && cause.code !== 'PORT_UNREACHABLE') throw cause
    throw errors.HOST_UNREACHABLE(
      { host: host.name, address: `${host.address}:${access.port}`, reason: reasonOf(cause) },
      { cause },
    )
  }
}

async function attempt(
  host: HostSpec,
  access: SshAccess,
  methods: readonly LoginMethod[],
  { hostKeys, dial, signal }: LoginOptions,
): Promise<Client> {
  const check = hostKeys.checkFor({
    name: host.name,
    address: host.address,
    port: access.port,
    sendsPassword: access.password !== undefined || access.sudoPassword !== undefined,
  })
  for (;;) {
    const tried: string[] = []
    const sock = await dial?.(host.address, access.port, signal ?? new AbortController().signal)
    const config: ConnectConfig = {
      host: host.address,
      port: access.port,
      username: access.user,
      authHandler: authHandler(methods, tried),
      algorithms: { cipher: [...ciphers], serverHostKey: await check.algorithms() },
      ...(sock === undefined ? {} : { sock }),
    }
    try {
      return await connect(config, check.trusted, signal)
    } catch (error) {
      sock?.destroy()
      signal?.throwIfAborted()
      if (await check.settled()) continue // a question takes longer than a server waits: ask, then connect anew
      if (!wasRefused(error)) throw error
      const details = { host: host.name, user: access.user, tried: tried.join(', ') || 'nothing' }
      throw errors.HOST_AUTH_FAILED(details, { cause: error })
    }
  }
}

interface SshFailure extends Error {
  readonly level?: string
  readonly code?: string | number
}

const tooManyFailures = 2 // SSH_DISCONNECT_PROTOCOL_ERROR, what OpenSSH sends then

const wasRefused = (error: unknown): boolean => {
  const { level, code, message } = error as SshFailure
  return level === 'client-authentication' || (code === tooManyFailures && /authentication/i.test(message))
}

/** Names that are not known stay unknown; whoever refuses a connection or says nothing may be starting. */
const canHeal = (error: unknown): boolean => {
  if (SealerError.is(error)) return error.code === 'PORT_UNREACHABLE' // seen from the host that is gone through
  const { level, code } = error as SshFailure
  return code !== 'ENOTFOUND' && level !== 'handshake'
}

const reasonOf = (error: unknown): string => {
  const { message, code } = error as SshFailure
  if (code === 'ECONNREFUSED') return 'the connection is refused'
  if (code === 'ENOTFOUND') return 'the name is not known'
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH') return 'there is no route to it'
  if (code === 'ETIMEDOUT' || /timed out/i.test(message)) return 'it does not answer'
  return plainText(message).replace(/\.$/, '')
}

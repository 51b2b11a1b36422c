import { defineErrors, SealerError } from '../errors.ts'

/** Errors of the way to and from registries. */
export const registryErrors = defineErrors('core', {
  REGISTRY_UNREACHABLE: {
    message: (d: { registry: string; reason: string }) => `Cannot reach the registry ${d.registry}: ${d.reason}.`,
    hint: () =>
      'Check the name, the network and the proxy settings (HTTPS_PROXY, NO_PROXY). What was fetched so far is kept.',
  },
  REGISTRY_UNTRUSTED: {
    message: (d: { registry: string; reason: string }) => `The registry ${d.registry} cannot be trusted: ${d.reason}.`,
    hint: () =>
      'Name its CA in registries.yaml (docs/guides/registries.md), or accept plain HTTP and any certificate with --skip-tls-verify.',
  },
  REGISTRY_BUSY: {
    message: (d: { registry: string; status: number; reason: string }) =>
      `The registry ${d.registry} answers ${d.status}${d.reason === '' ? '' : ` (${d.reason})`}, also after several attempts.`,
    hint: () => 'Try again later. What was fetched so far is kept.',
  },
  REGISTRY_DENIED: {
    message: (d: { registry: string; what: string; reason: string }) =>
      `The registry ${d.registry} does not allow ${d.what}${d.reason === '' ? '' : `: ${d.reason}`}.`,
    hint: (d: { registry: string }) =>
      `Log in with: sealer login ${d.registry}. Some registries also say so when there is no such repository.`,
  },
  REGISTRY_LACKS: {
    message: (d: { registry: string; what: string }) => `The registry ${d.registry} does not have ${d.what}.`,
    hint: () => 'Check the name and the tag.',
  },
  REGISTRY_REFUSED: {
    message: (d: { registry: string; what: string; status: number; reason: string }) =>
      `The registry ${d.registry} refuses ${d.what} (${d.status}${d.reason === '' ? '' : `, ${d.reason}`}).`,
    hint: () => 'The reason above is what the registry says.',
  },
  REGISTRY_INVALID: {
    message: (d: { registry: string; reason: string }) =>
      `The registry ${d.registry} gives answers that make no sense: ${d.reason}.`,
    hint: () => 'Check that the address is a registry, and that no proxy in between answers in its place.',
  },
  LOGIN_FAILED: {
    message: (d: { registry: string; user: string }) =>
      `The registry ${d.registry} does not take this password of ${d.user}.`,
    hint: () => 'Check user and password; many registries want a token in place of the password.',
  },
  REGISTRIES_INVALID: {
    message: (d: { file: string; reason: string }) => `${d.file} cannot be used: ${d.reason}.`,
    hint: () => 'The form of the file: docs/guides/registries.md',
  },
  CREDENTIAL_HELPER_FAILED: {
    message: (d: { program: string; registry: string; reason: string }) =>
      `${d.program}, which keeps the login for ${d.registry}, does not give it: ${d.reason}.`,
    hint: (d: { registry: string }) =>
      `Put the program in order (docker's config.json names it), or log in with: sealer login ${d.registry}`,
  },
  AUTH_FILE_INVALID: {
    message: (d: { file: string; reason: string }) => `The logins in ${d.file} cannot be read: ${d.reason}.`,
    hint: () => 'Mend or remove the file, then log in again with: sealer login <registry>',
  },
})

const waits = new WeakMap<Error, number>()
const longestWait = 60_000

/** REGISTRY_BUSY that remembers how long the registry wants to be left alone (`Retry-After`: seconds or a date; RFC 9110, 10.2.3). */
export function busy(
  details: Parameters<typeof registryErrors.REGISTRY_BUSY>[0],
  retryAfter: string | string[] | undefined,
): SealerError {
  const error = registryErrors.REGISTRY_BUSY(details)
  const text = String(retryAfter ?? '').trim()
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now()
  if (wait > 0) waits.set(error, Math.min(wait, longestWait))
  return error
}

/** Milliseconds that a registry wants to be left alone after this failure, at most a minute; undefined: it says nothing. */
export const waitWanted = (error: unknown): number | undefined =>
  error instanceof Error ? waits.get(error) : undefined

/** Whether another attempt may succeed: the network, or a registry that is overloaded. A name that does not exist stays so. */
export function canHeal(error: unknown): boolean {
  if (!SealerError.is(error)) return false
  if (error.code === 'REGISTRY_BUSY') return true
  return error.code === 'REGISTRY_UNREACHABLE' && networkCode(error.cause) !== 'ENOTFOUND'
}

/** Tells a failure of the network from one of this machine's disk or of our code. Undefined: not the network. */
export function networkCode(error: unknown): string | undefined {
  const { code, cause } = error as { code?: unknown; cause?: unknown }
  if (typeof code === 'string' && (code.startsWith('UND_ERR') || networkCodes.has(code))) return code
  return cause instanceof Error ? networkCode(cause) : undefined
}

/** A certificate that is not trusted, or a server that speaks no TLS. Undefined: neither. */
export function tlsCode(error: unknown): string | undefined {
  const { code, cause } = error as { code?: unknown; cause?: unknown }
  if (
    typeof code === 'string' &&
    (code.startsWith('ERR_TLS') || code.startsWith('ERR_SSL') || certificateCodes.test(code))
  )
    return code
  return cause instanceof Error ? tlsCode(cause) : undefined
}

/** How a greeting in TLS ends at a server that speaks plain HTTP: it answers in HTTP, or hangs up. */
export const speaksNoTls = (error: unknown): boolean => plainHttpCodes.has(tlsCode(error) ?? networkCode(error) ?? '')

const plainHttpCodes = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'EPROTO',
  'ECONNRESET',
  'UND_ERR_SOCKET',
])

const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'EPROTO',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOTFOUND',
])
/** How OpenSSL says that it does not accept a certificate; Node hands these on as codes. */
const certificateCodes =
  /CERT|SIGNED|UNABLE_TO_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_MISMATCH|TOO_SMALL|TOO_WEAK/

import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import { rootCertificates } from 'node:tls'
import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from 'undici'
import { z } from 'zod'
import type { Credential, Credentials } from './credentials.ts'
import { busy, networkCode, registryErrors, speaksNoTls, tlsCode } from './registry-errors.ts'
import type { RegistrySites } from './registry-sites.ts'

/** A question to a registry. */
export interface Ask {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT'
  /** As in names: `docker.io`, `registry:5000`. */
  readonly registry: string
  /** Below `/v2/`, or an absolute address that the registry gave as the next one to use. */
  readonly path: string
  /** What it needs leave for, e.g. `repository:library/nginx:pull`; several with blanks between. */
  readonly scope: string
  readonly headers?: Readonly<Record<string, string>>
  /** Asked again for each attempt: a stream can be sent once. */
  readonly body?: () => Readable | Buffer
  readonly signal?: AbortSignal
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Has to be read or `dump()`ed, else its connection stays taken. */
  readonly body: Dispatcher.ResponseData['body']
  /** Where the answer came from, after redirects. */
  readonly url: URL
}

const maxRedirects = 5
const quarter = 15_000
const dockerHub = 'registry-1.docker.io'
const isRedirect = (status: number): boolean => [301, 302, 303, 307, 308].includes(status)

/**
 * Speaks HTTP with registries as the distribution specification wants it: TLS unless the registry is this machine or said to
 * be insecure; redirects without our authorization on another origin; tokens and passwords where a registry asks for them.
 */
export class RegistryHttp implements AsyncDisposable {
  readonly #credentials: Credentials
  readonly #remember: (secret: string) => void
  readonly #insecure: boolean
  readonly #sites: RegistrySites
  /** Connections that are made in the same way. */
  readonly #dispatchers = new Map<string, Dispatcher>()
  readonly #schemes = new Map<string, Promise<'http' | 'https'>>()
  readonly #authorizations = new Map<string, string>()

  constructor(
    credentials: Credentials,
    options: {
      readonly insecure?: boolean
      readonly remember: (secret: string) => void
      readonly sites: RegistrySites
    },
  ) {
    this.#credentials = credentials
    this.#remember = options.remember
    this.#insecure = options.insecure ?? false
    this.#sites = options.sites
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#dispatchers.values()].map((dispatcher) => dispatcher.destroy()))
  }

  /**
   * Asks, following redirects and logging in where that is wanted. Gives any answer but the two that mean "log in".
   * @throws REGISTRY_UNREACHABLE, REGISTRY_UNTRUSTED, REGISTRY_DENIED, REGISTRY_INVALID
   */
  async ask(ask: Ask, credential?: Credential): Promise<Answer> {
    const { url, origin } = await this.#urlOf(ask)
    const key = `${ask.registry} ${ask.scope}`
    const known = credential === undefined ? this.#authorizations.get(key) : undefined
    const first = await this.#follow(ask, url, origin, known)
    if (first.status !== 401) return first

    const challenge = String(first.headers['www-authenticate'] ?? '')
    const reason = await reasonOf(first)
    const authorization = await this.#authorize(
      ask,
      url,
      challenge,
      credential ?? (await this.#credentials.find(ask.registry)),
    )
    if (authorization === undefined) throw denied(ask, reason)
    const second = await this.#follow(ask, url, origin, authorization)
    if (second.status === 401) throw denied(ask, await reasonOf(second))
    this.#authorizations.set(key, authorization)
    return second
  }

  /** The address to ask, and the origin that may see our authorization; the scheme is found out once per registry. */
  async #urlOf({ registry, path, signal }: Ask): Promise<{ url: URL; origin: string }> {
    const host = registry === 'docker.io' ? dockerHub : registry
    const known = this.#schemes.get(registry)
    const finding = known ?? this.#findScheme(registry, host, signal)
    this.#schemes.set(registry, finding)
    finding.catch(() => this.#schemes.delete(registry)) // another time it may be reachable
    const scheme = await finding
    const base = new URL(`${scheme}://${host}/v2/`)
    const url = new URL(path, base)
    // Registries behind a proxy that ends TLS often give addresses of themselves as http.
    if (url.host === base.host) url.protocol = base.protocol
    if (url.protocol !== 'https:' && url.protocol !== base.protocol) throw unsafeAddress(registry)
    return { url, origin: base.origin }
  }

  async #findScheme(registry: string, host: string, signal?: AbortSignal): Promise<'http' | 'https'> {
    const { plainHttp = false, skipVerify = false } = await this.#sites.of(registry)
    if (plainHttp) return 'http'
    if (!this.#insecure && !skipVerify && !isLoopback(host)) return 'https'
    try {
      const { body } = await this.#send('GET', new URL(`https://${host}/v2/`), {}, undefined, signal)
      await body.dump()
      return 'https'
    } catch (error) {
      if (speaksNoTls(error)) return 'http'
      throw translated(error, registry, signal)
    }
  }

  async #follow(ask: Ask, start: URL, origin: string, authorization: string | undefined): Promise<Answer> {
    let url = start
    for (let redirects = 0; ; redirects++) {
      const shown = url.origin === origin && authorization !== undefined
      const headers = { ...ask.headers, ...(shown ? { authorization } : {}) }
      const answer = await this.#send(ask.method, url, headers, ask.body?.(), ask.signal).catch((error) => {
        throw translated(error, ask.registry, ask.signal)
      })
      const { location } = answer.headers
      if (!isRedirect(answer.statusCode) || typeof location !== 'string' || !['GET', 'HEAD'].includes(ask.method)) {
        return { status: answer.statusCode, headers: answer.headers, body: answer.body, url }
      }
      await answer.body.dump()
      const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined
      const safe = next?.protocol === 'https:' || (next?.protocol === 'http:' && start.protocol === 'http:')
      if (next === undefined || !safe || redirects === maxRedirects) throw unsafeAddress(ask.registry)
      url = next
    }
  }

  /** Own CAs and leave to skip checks hold for the registry that they were told for, not for where it sends us. */
  async #dispatcherFor({ host }: URL): Promise<Dispatcher> {
    const { ca, skipVerify = false } = await this.#sites.of(host === dockerHub ? 'docker.io' : host)
    const local = isLoopback(host)
    const key = JSON.stringify([local, skipVerify, ca])
    const known = this.#dispatchers.get(key)
    if (known !== undefined) return known
    const tls = {
      rejectUnauthorized: !this.#insecure && !skipVerify,
      timeout: quarter,
      ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
    }
    const limits = { headersTimeout: 4 * quarter, bodyTimeout: 4 * quarter, connect: tls }
    const dispatcher = local ? new Agent(limits) : new EnvHttpProxyAgent({ ...limits, requestTls: tls })
    this.#dispatchers.set(key, dispatcher)
    return dispatcher
  }

  async #send(
    method: Ask['method'],
    url: URL,
    headers: Readonly<Record<string, string>>,
    body: Readable | Buffer | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Dispatcher.ResponseData> {
    const answer = request(url, {
      method,
      headers: { 'user-agent': 'sealer', ...headers },
      dispatcher: await this.#dispatcherFor(url),
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    })
    return signal === undefined ? answer : unlessStopped(answer, signal)
  }

  /** What to send after a challenge (RFC 7235); undefined: we have nothing that would do. */
  async #authorize(
    ask: Ask,
    url: URL,
    challenge: string,
    credential: Credential | undefined,
  ): Promise<string | undefined> {
    if (credential?.kind === 'token') return `Bearer ${credential.token}`
    const { scheme, parameters } = parseChallenge(challenge)
    if (scheme === 'basic') return credential?.kind === 'password' ? basic(credential) : undefined
    const realm = parameters.get('realm') ?? ''
    if (scheme !== 'bearer' || !URL.canParse(realm)) {
      throw registryErrors.REGISTRY_INVALID({ registry: ask.registry, reason: 'it wants a login of an unknown kind' })
    }
    const service = parameters.get('service') ?? ''
    const token = await this.#token(ask, new URL(realm), service, credential, url.protocol === 'http:')
    this.#remember(token)
    return `Bearer ${token}`
  }

  /** Token authentication of docker's registries, with OAuth2 for refresh tokens. */
  async #token(
    ask: Ask,
    realm: URL,
    service: string,
    credential: Credential | undefined,
    plainHttp: boolean,
  ): Promise<string> {
    if (realm.protocol !== 'https:' && !(plainHttp && realm.protocol === 'http:')) {
      throw registryErrors.REGISTRY_INVALID({
        registry: ask.registry,
        reason: 'it sends the login to an address without TLS',
      })
    }
    const scopes = ask.scope.split(' ').filter((scope) => scope !== '')
    const refresh = credential?.kind === 'refresh-token' ? credential.token : undefined
    const form = new URLSearchParams(
      refresh === undefined
        ? []
        : [
            ['grant_type', 'refresh_token'],
            ['refresh_token', refresh],
            ['client_id', 'sealer'],
          ],
    )
    const query = refresh === undefined ? realm.searchParams : form
    if (service !== '') query.set('service', service)
    if (refresh === undefined) for (const scope of scopes) query.append('scope', scope)
    else if (scopes.length > 0) query.set('scope', scopes.join(' '))

    const answer = await this.#send(
      refresh === undefined ? 'GET' : 'POST',
      realm,
      {
        ...(credential?.kind === 'password' ? { authorization: basic(credential) } : {}),
        ...(refresh === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      refresh === undefined ? undefined : Buffer.from(form.toString()),
      ask.signal,
    ).catch((error) => {
      throw translated(error, realm.host, ask.signal)
    })
    if (answer.statusCode === 429 || answer.statusCode >= 500) {
      await answer.body.dump()
      const { statusCode: status, headers } = answer
      throw busy({ registry: realm.host, status, reason: '' }, headers['retry-after'])
    }
    const text = await readAtMost(answer.body, 1024 * 1024, ask.registry)
    if (answer.statusCode !== 200) throw denied(ask, `its login service answers ${answer.statusCode}`)
    const said = tokenSchema.safeParse(parseMaybe(text))
    const token = said.data?.token ?? said.data?.access_token
    if (token === undefined)
      throw registryErrors.REGISTRY_INVALID({ registry: ask.registry, reason: 'its login service gives no token' })
    return token
  }
}

const tokenSchema = z.object({ token: z.string().min(1).optional(), access_token: z.string().min(1).optional() })
const problemsSchema = z.object({
  errors: z.array(z.object({ code: z.string().optional(), message: z.string().optional() })),
})

/** The first problem in a registry's answer, as far as a terminal can bear it. Reads the answer to its end. */
export async function reasonOf(answer: { readonly body: Answer['body'] }): Promise<string> {
  const text = await readAtMost(answer.body, 64 * 1024, '').catch(() => Buffer.alloc(0))
  const problem = problemsSchema.safeParse(parseMaybe(text)).data?.errors[0]
  const said = problem?.message ?? problem?.code ?? ''
  return said.replace(/[^\x20-\x7e]/g, ' ').slice(0, 200)
}

/**
 * A small body, whole.
 * @throws REGISTRY_INVALID when it is larger than `most` bytes
 */
export async function readAtMost(body: Readable, most: number, registry: string): Promise<Buffer> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of body) {
    size += (piece as Buffer).length
    if (size > most)
      throw registryErrors.REGISTRY_INVALID({ registry, reason: `a document has more than ${most} bytes` })
    pieces.push(piece as Buffer)
  }
  return Buffer.concat(pieces)
}

/** Failures of the network in our words; an abort and everything else as they are. */
export function translated(error: unknown, registry: string, signal?: AbortSignal): unknown {
  if (signal?.aborted) return signal.reason
  const tls = tlsCode(error)
  const context = { cause: error }
  if (tls !== undefined) return registryErrors.REGISTRY_UNTRUSTED({ registry, reason: tlsReasons[tls] ?? tls }, context)
  const code = networkCode(error)
  return code === undefined
    ? error
    : registryErrors.REGISTRY_UNREACHABLE({ registry, reason: networkReasons[code] ?? code }, context)
}

const tlsReasons: Record<string, string> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is signed by an unknown CA',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is signed by an unknown CA',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS',
}
const networkReasons: Record<string, string> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection broke off',
  UND_ERR_SOCKET: 'the connection broke off',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'it does not answer',
  UND_ERR_BODY_TIMEOUT: 'nothing more comes',
  ETIMEDOUT: 'it does not answer',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no network',
  ENOTFOUND: 'the name is not known',
  EAI_AGAIN: 'names cannot be looked up',
}

const unsafeAddress = (registry: string): Error =>
  registryErrors.REGISTRY_INVALID({ registry, reason: 'it sends us in circles, or to an address without TLS' })

const denied = ({ registry, scope }: Ask, reason: string): Error =>
  registryErrors.REGISTRY_DENIED({ registry, what: scope === '' ? 'this login' : `to ${described(scope)}`, reason })

/** `repository:team/app:pull,push` → `push to team/app`. */
export function described(scope: string): string {
  if (scope.startsWith('registry:')) return 'list its repositories'
  const [, repository = '', actions = ''] = scope.split(' ')[0]?.split(':') ?? []
  return actions.includes('push') ? `push to ${repository}` : `pull from ${repository}`
}

const basic = ({ user, password }: Extract<Credential, { kind: 'password' }>): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

/** `Bearer realm="https://auth.example/token",service="x"`. Several in one header are not in use by registries. */
function parseChallenge(text: string): { scheme: string; parameters: Map<string, string> } {
  const [scheme = ''] = text.slice(0, 4096).split(' ', 1)
  const parameters = new Map<string, string>()
  for (const [, name = '', quoted, bare] of text
    .slice(scheme.length, 4096)
    .matchAll(/([a-zA-Z]+)=(?:"([^"]*)"|([^",\s]*))/g)) {
    parameters.set(name.toLowerCase(), quoted ?? bare ?? '')
  }
  return { scheme: scheme.toLowerCase(), parameters }
}

function parseMaybe(text: Buffer): unknown {
  try {
    return JSON.parse(text.toString('utf8'))
  } catch {
    return undefined
  }
}

/** This very machine, where nobody listens in. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/:\d+$/, '')
  return name === 'localhost' || name.endsWith('.localhost') || name === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(name)
}

/** undici notices a stop only once a connection stands or is given up; whoever stops does not wait for that. */
function unlessStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

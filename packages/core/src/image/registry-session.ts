import { backoff } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import type { Reference } from './reference.ts'
import { busy, canHeal, registryErrors, waitWanted } from './registry-errors.ts'
import type { Answer, Ask, RegistryHttp } from './registry-http.ts'
import { described, reasonOf } from './registry-http.ts'

/** Part of a registry: where an image's blobs are. */
export type Repository = Pick<Reference, 'registry' | 'repository'>

const attempts = 6

/** Requests to registries, repeated where that may help, and answers that are not those expected as errors. */
export class RegistrySession {
  readonly http: RegistryHttp
  readonly #clock: Clock

  constructor(http: RegistryHttp, clock: Clock) {
    this.http = http
    this.#clock = clock
  }

  /** Repeats work that fails in a way that can heal, and waits as long as the registry asks for. */
  persistent<T>(signal: AbortSignal | undefined, work: () => Promise<T>, most = attempts): Promise<T> {
    return backoff(work, {
      attempts: most,
      clock: this.#clock,
      retry: canHeal,
      atLeast: waitWanted,
      ...(signal === undefined ? {} : { signal }),
    })
  }

  /**
   * One request, whose answer has one of these statuses.
   * @throws REGISTRY_DENIED, REGISTRY_LACKS, REGISTRY_BUSY, REGISTRY_REFUSED, …
   */
  async expect(statuses: readonly number[], what: string, ask: Ask): Promise<Answer> {
    const answer = await this.http.ask(ask)
    await this.refuse(answer, ask, statuses, what)
    return answer
  }

  /** Throws what an answer of another status means. */
  async refuse(answer: Answer, { registry, scope }: Ask, statuses: readonly number[], what: string): Promise<void> {
    const { status } = answer
    if (statuses.includes(status)) return
    const reason = await reasonOf(answer)
    if (status === 401 || status === 403)
      throw registryErrors.REGISTRY_DENIED({ registry, what: `to ${described(scope)}`, reason })
    if (status === 404) throw registryErrors.REGISTRY_LACKS({ registry, what })
    if (status === 408 || status === 429 || status >= 500)
      throw busy({ registry, status, reason }, answer.headers['retry-after'])
    throw registryErrors.REGISTRY_REFUSED({ registry, what, status, reason })
  }
}

/** A request that needs leave to read. `path` is below the repository, or an address that the registry gave. */
export const pull = (
  name: Repository,
  method: Ask['method'],
  path: string,
  signal?: AbortSignal,
  headers: Ask['headers'] = {},
): Ask => request(name, method, path, `repository:${name.repository}:pull`, headers, signal)

/** A request that needs leave to write. `lender` is a repository that blobs may be mounted from. */
export function push(
  name: Repository,
  method: Ask['method'],
  path: string,
  signal?: AbortSignal,
  headers: Ask['headers'] = {},
  lender?: string,
): Ask {
  const lending = lender === undefined ? '' : ` repository:${lender}:pull`
  return request(name, method, path, `repository:${name.repository}:pull,push${lending}`, headers, signal)
}

function request(
  name: Repository,
  method: Ask['method'],
  path: string,
  scope: string,
  headers: Ask['headers'] = {},
  signal?: AbortSignal,
): Ask {
  const isAddress = /^https?:/.test(path)
  return {
    method,
    registry: name.registry,
    path: isAddress ? path : `${name.repository}/${path}`,
    scope,
    headers,
    ...(signal === undefined ? {} : { signal }),
  }
}

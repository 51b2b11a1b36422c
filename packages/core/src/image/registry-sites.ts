import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { SealerError } from '../errors.ts'
import { parseReference } from './reference.ts'
import { registryErrors } from './registry-errors.ts'
import type { Repository } from './registry-session.ts'

const siteSchema = z.strictObject({
  mirrors: z.array(z.string().max(512)).max(20).exactOptional(),
  plainHttp: z.boolean().exactOptional(),
  skipVerify: z.boolean().exactOptional(),
  ca: z.string().min(1).exactOptional(),
})
const fileSchema = z.strictObject({ registries: z.record(z.string().max(300), siteSchema) })

/** How a registry is reached. */
export interface RegistrySite {
  /** No TLS. */
  readonly plainHttp?: boolean
  /** Any certificate, and plain HTTP where it speaks no TLS. */
  readonly skipVerify?: boolean
  /** Certificates (PEM) that are trusted for this registry beside those of the system. */
  readonly ca?: string
}

/**
 * What `registries.yaml` in the home says: mirrors, own CAs, plain HTTP, for each registry by itself. Written by the
 * operator; a mistake is refused, since a mirror or a CA that is silently left out is worse.
 */
export class RegistrySites {
  readonly #file: string
  #sites: Promise<ReadonlyMap<string, RegistrySite & { readonly mirrors: readonly Repository[] }>> | undefined

  constructor(home: string) {
    this.#file = join(home, 'registries.yaml')
  }

  /** @throws REGISTRIES_INVALID */
  async of(registry: string): Promise<RegistrySite> {
    return (await this.#read()).get(registry) ?? {}
  }

  /** Where a repository may be read from instead, in the order to try. @throws REGISTRIES_INVALID */
  async mirrorsOf({ registry, repository }: Repository): Promise<readonly Repository[]> {
    const mirrors = (await this.#read()).get(registry)?.mirrors ?? []
    return mirrors.map((mirror) => ({
      registry: mirror.registry,
      repository: mirror.repository === '' ? repository : `${mirror.repository}/${repository}`,
    }))
  }

  #read() {
    this.#sites ??= readSites(this.#file)
    return this.#sites
  }
}

async function readSites(file: string) {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined
    throw registryErrors.REGISTRIES_INVALID({ file, reason: cause.message }, { cause })
  })
  if (text === undefined) return new Map()
  const { registries } = await parsed(text, file)
  const sites = Object.entries(registries).map(async ([registry, { mirrors = [], ca, ...site }]) => {
    const refuse = (reason: string) => registryErrors.REGISTRIES_INVALID({ file, reason: `${registry}: ${reason}` })
    if (whereOf(registry)?.repository !== '') throw refuse('it is no registry; write HOST or HOST:PORT')
    const places = mirrors.map((mirror) => {
      const place = whereOf(mirror)
      if (place === undefined) throw refuse(`the mirror "${mirror}" is not HOST[:PORT][/PATH]`)
      return place
    })
    const pem = ca === undefined ? undefined : await readFile(resolve(dirname(file), ca), 'utf8').catch(() => '')
    if (pem !== undefined && !pem.includes('-----BEGIN CERTIFICATE-----'))
      throw refuse(`${ca} cannot be read as a certificate in PEM`)
    return [registry, { ...site, mirrors: places, ...(pem !== undefined && { ca: pem }) }] as const
  })
  return new Map(await Promise.all(sites))
}

async function parsed(text: string, file: string): Promise<z.infer<typeof fileSchema>> {
  const { parse } = await import('yaml') // only who has such a file pays for it
  let content: unknown
  try {
    content = parse(text)
  } catch (cause) {
    throw registryErrors.REGISTRIES_INVALID({ file, reason: (cause as Error).message }, { cause })
  }
  const { data, error } = fileSchema.safeParse(content)
  if (data !== undefined) return data
  const [issue] = error.issues
  const reason = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`
  throw registryErrors.REGISTRIES_INVALID({ file, reason }, { cause: error })
}

/** `10.0.0.9:5000/hub` → registry and path; undefined when it is neither. */
function whereOf(text: string): Repository | undefined {
  const [registry = '', ...path] = text.split('/')
  const repository = path.join('/')
  try {
    parseReference(`${registry}/${repository === '' ? 'name' : repository}`)
    return /[.:]/.test(registry) || registry === 'localhost' ? { registry, repository } : undefined
  } catch (error) {
    if (SealerError.is(error)) return undefined
    throw error
  }
}

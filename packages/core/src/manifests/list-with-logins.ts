import { z } from 'zod'
import { SealerError } from '../errors.ts'
import { fullName, parseReference } from '../image/reference.ts'
import { buildErrors } from '../kubefile/errors.ts'
import type { SecretRef } from '../secrets.ts'
import type { NamedText } from './ignore-list.ts'
import { YamlProblem, yamlDocuments } from './yaml-documents.ts'

/** Images of one registry, and how to log in there for them alone. */
export interface ImagesWithLogin {
  readonly registry: string
  readonly user: string
  readonly password: SecretRef
  /** Full names. */
  readonly images: readonly string[]
  /** The list, and which of its entries this is. */
  readonly place: string
}

const text = z.string().min(1).max(4096)
const entries = z
  .array(
    z.strictObject({
      registry: text,
      username: text,
      password: text,
      images: z.array(text).max(10_000),
    }),
  )
  .max(1000)

/**
 * Reads a list of images with logins: YAML, `[{registry, username, password, images}]`. A name without registry is one of the entry's. A
 * password may be a reference (`env:NAME`, `file:PATH`).
 * @throws IMAGE_LIST_INVALID, which never quotes a password
 */
export function readListWithLogins({ file, text: source }: NamedText): readonly ImagesWithLogin[] {
  const refuse = (reason: string, place = file) => buildErrors.IMAGE_LIST_WITH_LOGINS_INVALID({ place, reason })
  let value: unknown
  try {
    value = yamlDocuments(source)[0]?.value ?? []
  } catch (error) {
    if (!(error instanceof YamlProblem)) throw error
    throw refuse(error.message, `${file}:${error.line}`)
  }
  const parsed = entries.safeParse(value)
  const [issue] = parsed.error?.issues ?? []
  if (parsed.data === undefined) throw refuse(`${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim())
  return parsed.data.map(({ registry, username, password, images }, index) => {
    const place = `${file}: entry ${index + 1}`
    const host = registryOf(registry)
    return {
      registry: host,
      user: username,
      password: /^(?:env|file|prompt|value):|^prompt$/.test(password) ? password : `value:${password}`,
      images: images.map((name) => {
        try {
          return inRegistry(name, host)
        } catch (cause) {
          if (!SealerError.is(cause)) throw cause
          throw refuse(cause.message, place)
        }
      }),
      place,
    }
  })
}

const registryOf = (text: string): string => text.replace(/^https?:\/\//, '').replace(/\/.*$/, '')

/** A login is shown to its own registry and to no other. */
function inRegistry(name: string, registry: string): string {
  const [first = '', ...rest] = name.trim().split('/')
  const hasHost = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  return fullName(parseReference(hasHost ? name.trim() : `${registry}/${name.trim()}`))
}

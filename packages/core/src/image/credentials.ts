import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { Secrets } from '../secrets.ts'
import { holdLock } from './lock.ts'
import { registryErrors } from './registry-errors.ts'

/** What a registry is shown. */
export type Credential =
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  /** OAuth2 refresh token, from which access tokens are made (docker's `identitytoken`). */
  | { readonly kind: 'refresh-token'; readonly token: string }
  /** Access token that is used as it is (docker's `registrytoken`). */
  | { readonly kind: 'token'; readonly token: string }

const entrySchema = z.looseObject({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
  registrytoken: z.string().optional(),
})
const fileSchema = z.looseObject({ auths: z.record(z.string(), entrySchema).optional() })
type AuthFile = z.infer<typeof fileSchema>

/**
 * Logins in the format of docker's `config.json`. Ours are written to `<home>/auth.json`, readable by its owner alone;
 * docker's own file is read behind it. Credential helpers are not called.
 */
export class Credentials {
  readonly #own: string
  readonly #others: readonly string[]
  readonly #secrets: Pick<Secrets, 'remember'>

  constructor(home: string, others: readonly string[], secrets: Pick<Secrets, 'remember'>) {
    this.#own = join(home, 'auth.json')
    this.#others = others
    this.#secrets = secrets
  }

  /** @throws AUTH_FILE_INVALID */
  async find(registry: string): Promise<Credential | undefined> {
    for (const file of [this.#own, ...this.#others]) {
      const { auths = {} } = await read(file)
      const key = keysOf(registry).find((one) => Object.hasOwn(auths, one))
      const credential = key === undefined ? undefined : credentialOf(auths[key] ?? {})
      if (credential === undefined) continue
      this.#secrets.remember(credential.kind === 'password' ? credential.password : credential.token)
      return credential
    }
    return undefined
  }

  async save(registry: string, user: string, password: string): Promise<void> {
    const auth = Buffer.from(`${user}:${password}`).toString('base64')
    this.#secrets.remember(auth)
    await this.#change((auths) => ({ ...auths, [registry]: { auth } }))
  }

  async forget(registry: string): Promise<void> {
    const keys = keysOf(registry)
    await this.#change((auths) => Object.fromEntries(Object.entries(auths).filter(([key]) => !keys.includes(key))))
  }

  async #change(change: (auths: NonNullable<AuthFile['auths']>) => AuthFile['auths']): Promise<void> {
    await mkdir(dirname(this.#own), { recursive: true, mode: 0o700 })
    await using _lock = await holdLock(`${this.#own}.lock`, { patience: 10_000 })
    const before = await read(this.#own)
    const draft = `${this.#own}.${randomUUID()}`
    try {
      const file = await open(draft, 'wx', 0o600)
      await file.writeFile(`${JSON.stringify({ ...before, auths: change(before.auths ?? {}) }, undefined, 2)}\n`)
      await file.sync()
      await file.close()
      await rename(draft, this.#own)
    } finally {
      await rm(draft, { force: true })
    }
  }
}

/** The names under which docker, podman and older versions of both keep a registry's login. */
function keysOf(registry: string): string[] {
  const dockerHub = ['https://index.docker.io/v1/', 'index.docker.io', 'registry-1.docker.io']
  const keys = [
    registry,
    `https://${registry}`,
    `http://${registry}`,
    `https://${registry}/v1/`,
    `https://${registry}/v2/`,
  ]
  return registry === 'docker.io' ? [...keys, ...dockerHub] : keys
}

function credentialOf({
  auth,
  username,
  password,
  identitytoken,
  registrytoken,
}: z.infer<typeof entrySchema>): Credential | undefined {
  if (registrytoken) return { kind: 'token', token: registrytoken }
  if (identitytoken) return { kind: 'refresh-token', token: identitytoken }
  const text = auth ? Buffer.from(auth, 'base64').toString('utf8') : `${username ?? ''}:${password ?? ''}`
  const colon = text.indexOf(':')
  return colon < 1
    ? undefined
    : { kind: 'password', user: text.slice(0, colon), password: text.slice(colon + 1).replace(/\0+$/, '') }
}

async function read(file: string): Promise<AuthFile> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return '{}'
    throw registryErrors.AUTH_FILE_INVALID({ file, reason: error.code ?? error.message }, { cause: error })
  })
  try {
    return fileSchema.parse(JSON.parse(text))
  } catch {
    // The cause would quote the text, and with it a password.
    throw registryErrors.AUTH_FILE_INVALID({ file, reason: 'it is not the JSON that docker writes' })
  }
}

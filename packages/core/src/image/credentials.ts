import { randomUUID } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import type { Secrets } from '../secrets.ts'
import { askHelper } from './credential-helper.ts'
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
const fileSchema = z.looseObject({
  auths: z.record(z.string(), entrySchema).optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
})
type AuthFile = z.infer<typeof fileSchema>

/**
 * Logins in the format of docker's `config.json`. Ours are written to `<home>/auth.json`, readable by its owner alone;
 * docker's own file, and those of podman, are read behind it, with the programs that they name as keepers of logins.
 */
export class Credentials {
  readonly #own: string
  readonly #others: readonly string[]
  readonly #secrets: Pick<Secrets, 'remember'>
  readonly #given: ReadonlyMap<string, Credential>

  /** @param given logins by registry that hold for this object alone, and come before all others */
  constructor(
    home: string,
    others: readonly string[],
    secrets: Pick<Secrets, 'remember'>,
    given: ReadonlyMap<string, Credential> = new Map(),
  ) {
    this.#given = given
    this.#own = join(home, 'auth.json')
    this.#others = others
    this.#secrets = secrets
  }

  /** @throws AUTH_FILE_INVALID, CREDENTIAL_HELPER_FAILED */
  async find(registry: string): Promise<Credential | undefined> {
    let credential = this.#given.get(registry)
    for (const file of [this.#own, ...this.#others]) credential ??= await credentialIn(await read(file), registry)
    if (credential !== undefined)
      this.#secrets.remember(credential.kind === 'password' ? credential.password : credential.token)
    return credential
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

/** Where docker and podman keep logins, as their manuals say. */
export function foreignLogins(): string[] {
  const { DOCKER_CONFIG, REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR } = process.env
  return [
    ...(REGISTRY_AUTH_FILE ? [REGISTRY_AUTH_FILE] : []),
    join(DOCKER_CONFIG ?? join(homedir(), '.docker'), 'config.json'),
    ...(XDG_RUNTIME_DIR ? [join(XDG_RUNTIME_DIR, 'containers/auth.json')] : []),
  ]
}

/** As docker looks: the helper of this registry, then the login in the file, then the helper for all. */
async function credentialIn(file: AuthFile, registry: string): Promise<Credential | undefined> {
  const { auths = {}, credHelpers = {}, credsStore } = file
  const own = (of: object) => keysOf(registry).find((one) => Object.hasOwn(of, one))
  const helper = credHelpers[own(credHelpers) ?? '']
  if (helper) return askHelper(helper, registry)
  const credential = credentialOf(auths[own(auths) ?? ''] ?? {})
  if (credential !== undefined || !credsStore) return credential
  return askHelper(credsStore, registry)
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

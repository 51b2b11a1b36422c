import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../clock.ts'
import type { HostView } from '../hosts/host.ts'
import { clusterPaths } from './paths.ts'

/** A certificate and its key, PEM. */
export interface KeyPair {
  readonly certificate: string
  readonly key: string
}

/** What a certificate is for. */
export type LeafUse =
  | { readonly kind: 'server'; readonly name: string; readonly addresses: readonly string[] }
  | { readonly kind: 'client'; readonly name: string }

const day = 24 * 60 * 60 * 1000
/** As clusters' own usually have: an authority for ten years, leaves for one. */
const authorityLife = 3650 * day
const leafLife = 365 * day
const renewBefore = 30 * day

/** The authority of one cluster's registries: it must serve before the cluster's own authority exists. */
export interface RegistryAuthority {
  /** Its certificate, if it has been made already. */
  readonly certificate: string | undefined
  /** Makes it when it does not exist yet, and keeps it with the operator; the key is readable by its owner alone. */
  pair(): Promise<KeyPair>
  issue(use: LeafUse): Promise<KeyPair>
}

/**
 * The authority kept in a folder of the operator, else the one that a master of the cluster holds (another operator made the cluster), else
 * a new one, made when it is first needed: looking changes nothing.
 */
export async function registryAuthority(
  folder: string,
  cluster: string,
  { clock, masters }: { readonly clock: Clock; readonly masters: readonly HostView[] },
): Promise<RegistryAuthority> {
  const stored = await storedPair(folder)
  const found = stored ?? (await pairOnHosts(cluster, masters))
  let kept: Promise<KeyPair> | undefined = stored === undefined ? undefined : Promise.resolve(stored)
  const pair = (): Promise<KeyPair> => {
    kept ??= make(found, cluster, clock).then((made) => keep(folder, made))
    return kept
  }
  return {
    certificate: found?.certificate,
    pair,
    issue: async (use) => {
      const { issueLeaf } = await import('./certificates.ts')
      return await issueLeaf(await pair(), use, lifetime(clock, leafLife))
    },
  }
}

async function make(found: KeyPair | undefined, cluster: string, clock: Clock): Promise<KeyPair> {
  if (found !== undefined) return found
  const { createAuthority } = await import('./certificates.ts')
  return await createAuthority(cluster, lifetime(clock, authorityLife))
}

async function pairOnHosts(cluster: string, masters: readonly HostView[]): Promise<KeyPair | undefined> {
  const paths = clusterPaths(cluster)
  for (const master of masters) {
    const [certificate, key] = [await master.read(paths.ca), await master.read(paths.caKey)]
    if (certificate !== undefined && key !== undefined && belongTogether(certificate, key)) return { certificate, key }
  }
  return undefined
}

async function storedPair(folder: string): Promise<KeyPair | undefined> {
  try {
    const certificate = await readFile(join(folder, 'registry-ca.crt'), 'utf8')
    const key = await readFile(join(folder, 'registry-ca.key'), 'utf8')
    return belongTogether(certificate, key) ? { certificate, key } : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function belongTogether(certificate: string, key: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key))
  } catch {
    return false
  }
}

/** Whether a leaf is signed by this authority and good for a while. */
export function isCurrent(leaf: string | undefined, authority: string | undefined, clock: Clock): boolean {
  if (leaf === undefined || authority === undefined) return false
  try {
    const certificate = new X509Certificate(leaf)
    return (
      certificate.verify(new X509Certificate(authority).publicKey) &&
      Date.parse(certificate.validTo) - clock.now() > renewBefore
    )
  } catch {
    return false
  }
}

function lifetime(clock: Clock, milliseconds: number): { notBefore: Date; notAfter: Date } {
  // A day back: the clocks of hosts may be behind the operator's.
  return { notBefore: new Date(clock.now() - day), notAfter: new Date(clock.now() + milliseconds) }
}

async function keep(folder: string, pair: KeyPair): Promise<KeyPair> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await replace(join(folder, 'registry-ca.key'), pair.key, 0o600)
  await replace(join(folder, 'registry-ca.crt'), pair.certificate, 0o644)
  return pair
}

async function replace(path: string, text: string, mode: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const beside = `${path}.${process.pid}`
  await writeFile(beside, text, { mode })
  await rename(beside, path)
}

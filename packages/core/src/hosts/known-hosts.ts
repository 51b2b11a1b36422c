import { createHash, createHmac } from 'node:crypto'

/** One line of a known_hosts file, sshd(8). */
export interface KnownHost {
  /** `revoked`: this key is never taken; `cert-authority`: it signs others, which ssh2 cannot check. */
  readonly marker: string | undefined
  /** Comma-separated patterns, or one hash. */
  readonly hosts: string
  /** Key in the form of the wire, base64. */
  readonly key: string
}

/** Lines that cannot be read are passed over, as OpenSSH does. */
export function parseKnownHosts(text: string): KnownHost[] {
  return text.split('\n').flatMap((line) => {
    const entry = parseLine(line)
    return entry === undefined ? [] : [entry]
  })
}

function parseLine(line: string): KnownHost | undefined {
  const match = /^(?:@(\S+)\s+)?([^\s#@]\S*)\s+\S+\s+([A-Za-z0-9+/]+=*)(?:\s|$)/.exec(line.trim())
  const [, marker, hosts = '', key = ''] = match ?? []
  return match === null ? undefined : { marker, hosts, key }
}

/** Whether the entry speaks of this host. */
export function speaksOf({ hosts }: KnownHost, address: string, port: number): boolean {
  const name = nameOf(address, port)
  if (hosts.startsWith('|')) return isHashOf(hosts, name)
  const patterns = hosts.toLowerCase().split(',')
  const denied = patterns.some((pattern) => pattern.startsWith('!') && fits(pattern.slice(1), name))
  return !denied && patterns.some((pattern) => !pattern.startsWith('!') && fits(pattern, name))
}

/** The line that remembers a key. */
export function knownHostLine(address: string, port: number, key: Buffer): string {
  return `${nameOf(address, port)} ${keyType(key)} ${key.toString('base64')}`
}

/** The same text without the lines of this host. */
export function withoutHost(text: string, address: string, port: number): string {
  const remains = (line: string) => {
    const entry = parseLine(line)
    return entry === undefined || entry.marker !== undefined || !speaksOf(entry, address, port)
  }
  return text.split('\n').filter(remains).join('\n')
}

/** Type of a key in the form of the wire, e.g. `ssh-ed25519` (RFC 4253, 6.6). */
export function keyType(key: Buffer): string {
  const length = key.length < 4 ? 0 : key.readUInt32BE(0)
  return length > 64 ? '' : key.toString('latin1', 4, 4 + length)
}

/** As `ssh-keygen -l` shows it. */
export const fingerprint = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`

/** How known_hosts writes a host: with its port only where that is not 22. */
export const nameOf = (address: string, port: number): string =>
  (port === 22 ? address : `[${address}]:${port}`).toLowerCase()

/** `|1|salt|HMAC-SHA1(salt, name)`. */
function isHashOf(hashed: string, name: string): boolean {
  const [, version, salt = '', hash] = hashed.split('|')
  return version === '1' && createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash
}

function fits(pattern: string, name: string): boolean {
  const source = pattern
    .replace(/[\\^$.+()[\]{}|]/g, '\\$&')
    .replaceAll('?', '.')
    .replace(/\*+/g, '.*')
  return new RegExp(`^${source}$`).test(name)
}

import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Package sources in apt's two notations, see sources.list(5). */
export interface AptSources {
  /** One-line entries. */
  readonly list: string
  /** deb822 stanzas. */
  readonly stanzas: string
}

/**
 * The distribution's own sources of this machine, mirrors included: what it reaches, it has. Sources of others (a vendor's
 * repository) are left out: a host is bare.
 */
export async function distributionSources(codename: string, apt = '/etc/apt'): Promise<AptSources | undefined> {
  const extra = await readdir(join(apt, 'sources.list.d')).catch(() => [])
  const files = ['sources.list', ...extra.sort().map((name) => join('sources.list.d', name))]
  const lines: string[] = []
  const stanzas: string[] = []
  for (const file of files) {
    const text = await readFile(join(apt, file), 'utf8').catch(() => '')
    if (file.endsWith('.list')) lines.push(...text.split('\n').filter((line) => isOwnLine(line, codename)))
    if (file.endsWith('.sources')) stanzas.push(...stanzasOf(text).filter((stanza) => isOwnStanza(stanza, codename)))
  }
  return lines.length + stanzas.length === 0
    ? undefined
    : { list: lines.map((line) => `${line}\n`).join(''), stanzas: stanzas.join('\n\n') }
}

function isOwnLine(line: string, codename: string): boolean {
  const match = /^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(.*)$/.exec(line)
  return match !== null && isOwn([match[1] ?? ''], [match[2] ?? ''], words(match[3] ?? ''), codename)
}

function isOwnStanza(stanza: string, codename: string): boolean {
  const field = (name: string) => words(new RegExp(`^${name}:(.*)$`, 'im').exec(stanza)?.[1] ?? '')
  if (!field('Types').includes('deb') || field('Enabled')[0]?.toLowerCase() === 'no') return false
  return isOwn(field('URIs'), field('Suites'), field('Components'), codename)
}

/** The main component of the release this machine runs, from an archive that is named as a distribution's archive is. */
function isOwn(
  uris: readonly string[],
  suites: readonly string[],
  components: readonly string[],
  codename: string,
): boolean {
  return (
    components.includes('main') &&
    suites.some((suite) => suite === codename || suite.startsWith(`${codename}-`)) &&
    uris.some((uri) => /\/(debian|debian-security|ubuntu|ubuntu-ports)(\/.*)?$/.test(uri))
  )
}

const words = (text: string): string[] => text.trim().split(/\s+/)
const stanzasOf = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .split(/\n\s*\n/)
    .map((stanza) => stanza.trim())
    .filter((stanza) => stanza !== '')

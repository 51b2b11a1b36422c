/** A package of a distribution that is installed in a root file system. */
export interface DistributionPackage {
  readonly kind: 'deb' | 'apk'
  readonly name: string
  readonly version: string
  readonly architecture: string
  /** As the package says it, often an SPDX expression; Debian's says none. */
  readonly licence?: string
}

/** Far more than a distribution has. */
const mostPackages = 100_000

/** Packages of Debian's `status`, and of the files in `status.d`, which have no `Status` of their own. */
export function debianPackages(status: string): DistributionPackage[] {
  return paragraphs(status, /^([A-Za-z-]+): ?(.*)$/).flatMap((fields) => {
    const { Package: name = '', Version: version = '', Architecture: architecture = '', Status: state } = fields
    const isInstalled = state === undefined || state.endsWith(' installed')
    return isName(name) && isName(version) && isInstalled ? [{ kind: 'deb', name, version, architecture }] : []
  })
}

/** Packages of Alpine's `installed`. */
export function alpinePackages(installed: string): DistributionPackage[] {
  return paragraphs(installed, /^([A-Za-z]):(.*)$/).flatMap((fields) => {
    const { P: name = '', V: version = '', A: architecture = '', L: licence } = fields
    if (!isName(name) || !isName(version)) return []
    return [{ kind: 'apk', name, version, architecture, ...(licence && { licence: licence.slice(0, 200) }) }]
  })
}

/** `ID` of os-release(5): which distribution it is. */
export function distributionOf(osRelease: string): string | undefined {
  const id = /^ID=["']?([a-z0-9._-]{1,60})["']?\s*$/m.exec(osRelease.slice(0, 64 * 1024))?.[1]
  return id
}

const isName = (text: string): boolean => /^[\x21-\x7e]{1,200}$/.test(text)

/** Fields of paragraphs that blank lines part; of a field that is continued, its first line. */
function paragraphs(text: string, field: RegExp): Readonly<Record<string, string>>[] {
  const all: Readonly<Record<string, string>>[] = []
  let fields: Record<string, string> = Object.create(null)
  for (const line of [...text.split('\n'), '']) {
    const [, name, value = ''] = line.length > 1000 ? [] : (field.exec(line) ?? [])
    if (name !== undefined) fields[name] ??= value.trim()
    if (line !== '' || Object.keys(fields).length === 0) continue
    all.push(fields)
    fields = Object.create(null)
    if (all.length >= mostPackages) break
  }
  return all
}

import { pathToFileURL } from 'node:url'
import { catalogueOf } from '../../packages/core/src/errors.ts'

/** The errors of one package or of one part of it. */
export type Catalogue = ReturnType<typeof catalogueOf>

/** Loads every catalogue that the given files export. */
export async function catalogues(files: readonly string[]): Promise<Catalogue[]> {
  const found: Catalogue[] = []
  for (const file of files) {
    const names: Record<string, unknown> = await import(pathToFileURL(file).href)
    for (const value of Object.values(names)) {
      const catalogue = typeof value === 'object' && value !== null ? catalogueOf(value) : undefined
      if (catalogue !== undefined) found.push(catalogue)
    }
  }
  return found
}

/**
 * One section per error, sorted by code: what it says and what to try, with `<name>` for each detail.
 * @throws when two catalogues hold the same code, since the page is linked by code
 */
export function errorsPage(found: readonly Catalogue[]): string {
  const owners = new Map<string, string>()
  const sections = found.flatMap(({ source, entries }) =>
    Object.entries(entries).map(([code, entry]) => {
      const owner = owners.get(code)
      if (owner !== undefined) throw new Error(`The error ${code} stands in two catalogues: ${owner} and ${source}.`)
      owners.set(code, source)
      const message = entry.message(placeholder() as never)
      const hint = entry.hint(placeholder() as never)
      return { code, text: `## ${code}\n\n${asMarkdown(message)}\n\nTry: ${asMarkdown(hint)}\n\nFrom: \`${source}\`\n` }
    }),
  )
  const sorted = sections.toSorted((a, b) => (a.code < b.code ? -1 : 1))
  return `# Errors

What sealer says when it stops, by code. A command that fails prints the code, and with \`--output json\` it stands in \`code\`.

${sorted.map(({ text }) => text).join('\n')}`
}

/** Stands in for any detail: reads as `<its name>`, whatever is done with it. */
function placeholder(name?: string): unknown {
  const text = name === undefined ? '…' : `<${name}>`
  return new Proxy(() => text, {
    get: (_, key) => {
      if (key === Symbol.toPrimitive) return () => text
      if (key === 'toString' || key === 'valueOf') return () => text
      if (key === Symbol.iterator) return () => [placeholder(name)].values()
      return placeholder(name ?? String(key))
    },
    apply: () => placeholder(name),
  })
}

/** Markdown would take `<name>` for HTML; commands keep their line. */
function asMarkdown(text: string): string {
  return text.replaceAll('<', '\\<').replaceAll('\n', '<br>')
}

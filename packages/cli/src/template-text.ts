import { platformText, renderTemplate } from '@sealer/core'
import { agoText, bytesText } from './measures.ts'
import { table } from './table.ts'

/** What templates of the command line can do beside Go's functions. */
const functions = {
  bytes: (value: unknown) => bytesText(Number(value)),
  ago: (value: unknown) => agoText(Number(value), Date.now()),
  platform: (value: unknown) => platformText(value as Parameters<typeof platformText>[0]),
}

/**
 * A Go template for each of several things, as docker has it: a line each; `table A\tB` puts them into columns with headings. `\t` and `\n` may be typed.
 * @throws TEMPLATE_INVALID
 */
export function templateText(format: string, all: readonly object[]): string {
  const typed = format.replace(/\\t/g, '\t').replace(/\\n/g, '\n')
  const text = typed.replace(/^table /, '')
  const lines = all.map((data) => renderTemplate(text, { data, name: '--format', functions, goFields: true }))
  if (text === typed) return lines.join('\n')
  const headings = text.split('\t').map((column) => heading(column))
  return table(
    headings,
    lines.map((line) => line.split('\t')),
  )
}

/** `{{bytes .Size}}` → `SIZE`. */
const heading = (column: string): string =>
  [...column.matchAll(/\.([A-Za-z]+)/g)].map(([, name = '']) => name.toUpperCase()).join(' ')

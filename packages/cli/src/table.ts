import { printable } from './printable.ts'

/** Lines of columns, each as wide as its widest cell. Without the headings where a script reads them. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  { heading = true } = {},
): string {
  const lines = [...(heading ? [headings] : []), ...rows.map((row) => row.map(printable))]
  const widths = headings.map((_, column) => Math.max(0, ...lines.map((line) => (line[column] ?? '').length)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd(),
    )
    .join('\n')
}

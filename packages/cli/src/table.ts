/** Lines of columns, each as wide as its widest cell: `NAME  STATE`. Rows of objects, columns in the order given. */
export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [columns, ...rows]
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)))
  return lines
    .map((line) =>
      line.map((cell, column) => (column === columns.length - 1 ? cell : cell.padEnd(widths[column] ?? 0))).join('   '),
    )
    .map((line) => line.trimEnd())
    .join('\n')
}

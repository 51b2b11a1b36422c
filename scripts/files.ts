import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const skipped = new Set(['node_modules', 'dist', 'testdata', 'coverage'])

/** Files below the given files and folders whose names end so, sorted. A file that is named itself always counts. */
export function filesUnder(paths: readonly string[], ending: string): string[] {
  return paths.flatMap((path) => {
    const stat = statSync(path, { throwIfNoEntry: false })
    if (stat === undefined) return []
    return stat.isDirectory() ? walk(path, ending) : [path]
  })
}

function walk(folder: string, ending: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      if (skipped.has(entry.name) || entry.name.startsWith('.')) return []
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return walk(path, ending)
      return entry.isFile() && entry.name.endsWith(ending) ? [path] : []
    })
}

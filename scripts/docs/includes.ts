import { basename, extname } from 'node:path'

const block = /^<!-- include: (\S+?)(?:#(\S+))? -->\n+```[^\n]*\n(?:[\s\S]*?\n)??```$/gm
const marker = /<!-- include:/g
const languages: Readonly<Record<string, string>> = {
  '.ts': 'ts',
  '.mjs': 'js',
  '.js': 'js',
  '.json': 'json',
  '.yaml': 'yaml',
  '.yml': 'yaml',
  '.sh': 'sh',
}

/**
 * Fills each `<!-- include: path#region -->` block of a page: the code fence after it gets the region of that file,
 * between `// #region name` and `// #endregion` (or `#` comments), or the whole file where no region is named.
 * @throws when a file or region is missing, or no code fence follows
 */
export function fillIncludes(page: string, read: (path: string) => string): string {
  let filled = 0
  const result = page.replaceAll(block, (_, path: string, region: string | undefined) => {
    filled += 1
    const code = region === undefined ? read(path).trimEnd() : regionOf(read(path), region, path)
    return `<!-- include: ${path}${region === undefined ? '' : `#${region}`} -->\n\`\`\`${languageOf(path)}\n${code}\n\`\`\``
  })
  const wanted = page.match(marker)?.length ?? 0
  if (filled < wanted) throw new Error(`${wanted - filled} include(s) without a code fence right after them.`)
  return result
}

function regionOf(text: string, name: string, path: string): string {
  const lines = text.split('\n')
  const start = lines.findIndex((line) => new RegExp(`^\\s*(//|#) #region ${name}\\s*$`).test(line))
  const length = lines.slice(start + 1).findIndex((line) => /^\s*(\/\/|#) #endregion\b/.test(line))
  if (start === -1 || length === -1) throw new Error(`${path} has no region "${name}".`)
  return dedent(lines.slice(start + 1, start + 1 + length))
}

function dedent(lines: readonly string[]): string {
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length)
  const indent = Math.min(...indents)
  return lines
    .map((line) => line.slice(indent))
    .join('\n')
    .trim()
}

function languageOf(path: string): string {
  return languages[extname(path)] ?? (basename(path).startsWith('Kubefile') ? 'dockerfile' : '')
}

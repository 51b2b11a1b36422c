// Keeps documents equal to the sources they speak of: code shown in them comes from tests, examples and files, and the
// reference of errors, hooks and commands is generated. With --check nothing is written; a difference is a failure.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fillIncludes } from './docs/includes.ts'
import { filesUnder } from './files.ts'

const root = join(import.meta.dirname, '..')
const check = process.argv.includes('--check')
const problems: string[] = []

const read = (path: string): string => readFileSync(join(root, path), 'utf8')

await keep('docs/reference/errors.md', async () => {
  const { catalogues, errorsPage } = await import('./docs/errors-page.ts')
  return errorsPage(await catalogues(filesUnder([join(root, 'packages')], 'errors.ts')))
})
await keep('docs/reference/hooks.md', async () => {
  const { hooksPage } = await import('./docs/hooks-page.ts')
  return hooksPage(read('packages/core/src/hooks.ts'))
})
await keep('docs/reference/cli.md', async () => {
  const { cliPage } = await import('./docs/cli-page.ts') // loads the whole command
  return cliPage()
})
const { jsonSchemas } = await import('../packages/core/src/image/json-schemas.ts')
for (const [name, schema] of Object.entries(jsonSchemas()))
  await keep(`docs/design/schemas/${name}`, () => `${JSON.stringify(schema, undefined, 2)}\n`)
const places = [
  'docs',
  'packages',
  'examples',
  'images',
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
]
for (const file of filesUnder(
  places.map((place) => join(root, place)),
  '.md',
)) {
  const page = relative(root, file)
  await keep(page, () => fillIncludes(read(page), read))
}

for (const problem of problems) console.error(problem)
process.exitCode = problems.length > 0 ? 1 : 0

/** Writes a page, or with --check tells that it differs. */
async function keep(page: string, make: () => string | Promise<string>): Promise<void> {
  try {
    const wanted = await make()
    const path = join(root, page)
    const present = filesUnder([path], '').length > 0 ? read(page) : ''
    if (present === wanted) return
    if (check) problems.push(`${page} differs from what it shows. Try: pnpm run docs`)
    else {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, wanted)
    }
  } catch (error) {
    problems.push(`${page}: ${error instanceof Error ? error.message : error}`)
  }
}

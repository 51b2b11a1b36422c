// node --import tsx --conditions=@sealer/source scripts/test.ts [--e2e] [--landing] [files and folders]
//
// Unit tests (*.test.ts): one process per file, as many at once as there are cores. With --e2e: *.e2e.ts, one after the
// other, with their output as it comes; with --landing only those whose first line says `landing`.
// The last line is "N passed, N failed, N skipped".
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { filesUnder } from './files.ts'
import { type FileResult, runTestFile, stopTestFiles } from './run-test-file.ts'
import { readTestSource, type TestSource } from './test-source.ts'

interface TestFile extends TestSource {
  readonly file: string
}

const { values, positionals } = parseArgs({
  options: { e2e: { type: 'boolean', default: false }, landing: { type: 'boolean', default: false } },
  allowPositionals: true,
})
const root = join(import.meta.dirname, '..')
const unitFolders = ['packages', 'scripts', 'images', 'examples', 'e2e', 'bench']
let stopped = false
const totals = { passed: 0, failed: 0, skipped: 0 }

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stopped) process.exit(130)
    stopped = true
    stopTestFiles()
  })
}

const files = testFiles()
if (files.length === 0) problem('No test file found.')
await Promise.all(Array.from({ length: values.e2e ? 1 : availableParallelism() }, worker))
if (stopped) problem('Stopped.')

console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`)
process.exitCode = totals.failed > 0 ? 1 : 0

function testFiles(): TestFile[] {
  const ending = values.e2e ? '.e2e.ts' : '.test.ts'
  const folders = values.e2e ? ['e2e'] : unitFolders
  const paths =
    positionals.length > 0 ? positionals.map((path) => resolve(path)) : folders.map((name) => join(root, name))
  return filesUnder(paths, ending)
    .map((file) => ({
      file: relative(root, file),
      ...readTestSource(readFileSync(file, 'utf8'), { ci: (process.env.CI ?? '') !== '' }),
    }))
    .filter((file) => file.landing || !values.landing)
}

async function worker(): Promise<void> {
  for (let file = files.shift(); file !== undefined && !stopped; file = files.shift()) report(file, await run(file))
}

async function run({ file, timeLimit }: TestFile): Promise<FileResult> {
  if (values.e2e) console.log(`\n=== ${file}`)
  return await runTestFile(file, { timeLimit, live: values.e2e })
}

function report({ file, problems }: TestFile, { passed, failed, skipped, output, seconds }: FileResult): void {
  if (failed > 0) process.stdout.write(`\n${output}\n`)
  for (const reason of skipped) console.log(`  skipped: ${reason}`)
  const bad = failed + problems.length
  console.log(
    `${bad > 0 ? '✗' : '✓'} ${file}  ${passed} passed${bad > 0 ? `, ${bad} failed` : ''}  ${seconds.toFixed(1)} s`,
  )
  for (const text of problems) problem(`${file}: ${text}`)
  totals.passed += passed
  totals.failed += failed
  totals.skipped += skipped.length
}

function problem(text: string): void {
  console.log(text)
  totals.failed += 1
}

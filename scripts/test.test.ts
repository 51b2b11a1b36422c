import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type FileResult, runTestFile } from './run-test-file.ts'
import { readTestSource } from './test-source.ts'

const test = suite('the test runner')
const folder = mkdtempSync(join(tmpdir(), 'sealer-runner-'))
test.after(() => rmSync(folder, { recursive: true, force: true }))

const run = (name: string, timeLimit = 20): Promise<FileResult> =>
  runTestFile(`scripts/testdata/runner/${name}.test.ts`, { timeLimit })
const sourceOf = (name: string): string =>
  readFileSync(join(import.meta.dirname, `testdata/runner/${name}.test.ts`), 'utf8')

test('a good file is counted, with the reason of what it skips', async () => {
  const { passed, failed, skipped } = await run('good')
  assert.equal({ passed, failed, skipped }, { passed: 2, failed: 0, skipped: ['needs a third hand: there are two'] })
})

// Each of these looks like success, or hangs, under uvu alone.
const red: Record<string, RegExp> = {
  'no-test': /has no test/,
  'not-run': /has no test/,
  'before-throws': /no ground|hook threw/,
  'throws-text': /not an Error/,
  'after-each-throws': /before its tests ended|hook threw/,
  'open-handle': /Left open: .*TCPServerWrap/,
  'never-settles': /a promise never settled/,
  exits: /exit 0\) before its tests ended/,
  'bad-import': /is-not-there/,
  'late-rejection': /too late/,
  'skip-without-reason': /says in its name why/,
}
for (const [name, told] of Object.entries(red)) {
  test(`is red and says why: ${name}`, async () => {
    const { failed, output } = await run(name)
    assert.ok(failed > 0)
    assert.match(output, told)
  })
}

test('a file over its time limit is killed together with what it has started', async () => {
  const pidFile = join(folder, 'pid')
  process.env.SLEEPER_PID_FILE = pidFile
  const { failed, output } = await run('slow', 8) // long enough for it to start something on a busy machine
  assert.is(failed, 1)
  assert.match(output, /not done after 8 s/)
  assert.not(existsSync(`/proc/${readFileSync(pidFile, 'utf8')}/cwd`))
})

test('a suite that is never run is a problem', () => {
  assert.match(readTestSource(sourceOf('not-run'), { ci: false }).problems.join(), /never run/)
  assert.equal(readTestSource(sourceOf('good'), { ci: true }).problems, [])
})

test('.only is refused under CI alone', () => {
  assert.match(readTestSource(sourceOf('only'), { ci: true }).problems.join(), /only leaves/)
  assert.equal(readTestSource(sourceOf('only'), { ci: false }).problems, [])
})

test('the first line raises the time limit and picks the file for landing', () => {
  const { timeLimit, landing } = readTestSource('// time limit: 900 s; landing\n', { ci: false })
  assert.equal({ timeLimit, landing }, { timeLimit: 900, landing: true })
  assert.is(readTestSource('import x\n// time limit: 900 s\n', { ci: false }).timeLimit, 60)
})

test.run()

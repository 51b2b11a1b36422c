import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runPhase } from './run-phase.mjs'

const test = suite('a part of the full test')
const phase = (program: string, counts = true) => runPhase(['-e', program], { env: process.env, counts })

test('the counts of its last line are taken', async () => {
  const result = await phase('console.log("9 passed, 9 failed, 9 skipped\\n4 passed, 0 failed, 2 skipped")')
  assert.equal(result, { passed: 4, failed: 0, skipped: 2 })
})

test('a part that dies before its counts is a failure', async () => {
  assert.equal(await phase('process.exit(3)'), { passed: 0, failed: 1, skipped: 0 })
})

test('good counts with a bad exit code are a failure', async () => {
  const result = await phase('console.log("4 passed, 0 failed, 0 skipped"); process.exitCode = 1')
  assert.equal(result, { passed: 4, failed: 1, skipped: 0 })
})

test('a program that it has left running does not hold it up', async () => {
  const sleeper = "require('node:child_process').spawn('sleep', ['15'], { stdio: 'inherit', detached: true }).unref()"
  const started = Date.now()
  const result = await phase(`${sleeper}; console.log('1 passed, 0 failed, 0 skipped')`)
  assert.equal(result, { passed: 1, failed: 0, skipped: 0 })
  assert.ok(Date.now() - started < 12_000)
})

test('a part without counts is one test by its exit code', async () => {
  assert.equal(await phase('', false), { passed: 1, failed: 0, skipped: 0 })
  assert.equal(await phase('process.exit(1)', false), { passed: 0, failed: 1, skipped: 0 })
})

test.run()

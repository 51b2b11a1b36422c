import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { isAlive, killGroup, markOf, readMark } from './process-mark.ts'

const test = suite('process marks')
const folder = mkdtempSync(join(tmpdir(), 'sealer-mark-'))
test.after(() => rmSync(folder, { recursive: true }))

test('a process is known by number, start and boot', () => {
  const mark = markOf(process.pid)
  assert.ok(isAlive(mark))
  assert.not(isAlive(mark && { ...mark, started: '1' }))
  assert.not(isAlive(mark && { ...mark, boot: 'another' }))
  assert.not(isAlive(undefined))
  assert.is(markOf(2 ** 22 + 1), undefined)
})

test('a group that is ended takes all its processes along', async () => {
  const child = spawn('sh', ['-c', 'sleep 60 & wait'], { detached: true, stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)))
  const mark = child.pid === undefined ? undefined : markOf(child.pid)
  killGroup(mark)
  assert.is(await ended, 'SIGKILL')
  assert.not(isAlive(mark))
})

test('half a mark is none', async () => {
  const file = join(folder, 'mark.json')
  for (const text of ['', '{"pid":1', '{"pid":"1"}', '{"pid":1}']) {
    writeFileSync(file, text)
    assert.is(await readMark(file), undefined)
  }
  assert.is(await readMark(join(folder, 'none')), undefined)
})

test.run()

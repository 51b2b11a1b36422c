import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const test = suite('the process')
const home = mkdtempSync(join(tmpdir(), 'sealer-main-'))
const silent: Server = createServer(() => {}) // takes connections and never answers
test.before(async () => {
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
})
test.after(() => {
  silent.close()
  rmSync(home, { recursive: true })
})

/** `sealer …` as a process that hangs on a registry which never answers. */
function pulling() {
  const { port } = silent.address() as { port: number }
  const args = [
    '--import',
    'tsx',
    '--conditions=@sealer/source',
    join(import.meta.dirname, 'main.ts'),
    'pull',
    `127.0.0.1:${port}/x:v1`,
  ]
  const child = spawn(process.execPath, args, {
    env: { ...process.env, SEALER_HOME: home },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const said: string[] = []
  child.stderr.on('data', (chunk: Buffer) => said.push(String(chunk)))
  return { child, said }
}

test('Ctrl-C stops cleanly, with a word and exit code 130', async () => {
  const { child, said } = pulling()
  await once(silent, 'connection')
  child.kill('SIGINT')
  const [code] = await once(child, 'exit')
  assert.is(code, 130)
  assert.match(said.join(''), 'Once more leaves at once')
  assert.not.match(said.join(''), 'defect')
})

test.run()

import { execFile } from 'node:child_process'
import { chmod, realpath, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { temporaryFolder } from '../image/small-images.test.support.ts'
import { rejection } from '../testing/rejection.ts'
import { ProgramProblem, runClosed } from './closed-program.ts'

const test = suite('closed program')
const run = promisify(execFile)

async function closed(script: string, signal?: AbortSignal): Promise<string> {
  await using folder = await temporaryFolder()
  const program = join(folder.path, 'program')
  await writeFile(program, `#!/bin/sh\n${script}\n`)
  await chmod(program, 0o755)
  return await runClosed({ program, args: ['x y', '$HOME'], folder: await realpath(folder.path), signal })
}

test('it gets its arguments as they are, and nothing of the environment', async () => {
  process.env.SECRET_OF_TEST = 'x'
  assert.match(await closed('echo "$1|$2|${SECRET_OF_TEST:-none}|$HOME"'), /^x y\|\$HOME\|none\|\//)
  delete process.env.SECRET_OF_TEST
})

test('what it says on its way out is the reason', async () => {
  const error = await rejection<Error>(closed('printf "Error: \\033[31mno\\n" >&2; exit 3'))
  assert.instance(error, ProgramProblem)
  assert.is(error.message, 'Error: [31mno')
})

test('it reaches nothing of this machine’s network', async () => {
  const server = createServer((socket) => socket.end('reached'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const ask = `require('net').connect(${port}, '127.0.0.1').on('data', (d) => console.log(String(d))).on('error', () => console.log('shut'))`
  try {
    assert.is((await run(process.execPath, ['-e', ask])).stdout.trim(), 'reached')
    assert.is((await closed(`exec ${process.execPath} -e "${ask}"`)).trim(), 'shut')
  } finally {
    server.close()
  }
})

test('more than it may say ends it', async () => {
  const error = await rejection<Error>(closed('yes'))
  assert.match(error.message, /renders into more than 64 MiB/)
})

test('it ends with the run', async () => {
  const abort = new AbortController()
  const running = rejection<Error>(closed('sleep 60', abort.signal))
  setTimeout(() => abort.abort(), 100)
  assert.is((await running).name, 'AbortError')
})

test.run()

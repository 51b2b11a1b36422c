import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from '../errors.ts'
import { LocalShell } from '../local/local-shell.ts'
import { createSecrets } from '../secrets.ts'
import { rejection } from '../testing/rejection.ts'
import type { Shell } from './channel.ts'
import { runCommand } from './run-command.ts'

const test = suite('sudo')
const folder = mkdtempSync(join(tmpdir(), 'sealer-sudo-'))
test.after(() => rmSync(folder, { recursive: true }))

/** A shell whose sudo is this script; $PROMPT is what `-p` says. */
function shellWith(sudo: string): Shell {
  const bin = mkdtempSync(join(folder, 'bin-'))
  writeFileSync(join(bin, 'sudo'), `#!/bin/bash\nPROMPT=$3\nshift 4\n${sudo}\n`)
  chmodSync(join(bin, 'sudo'), 0o755)
  const local = new LocalShell('h1')
  return {
    open: (line, options) => local.open(`PATH=${bin}:$PATH; ${line}`, options),
    connect: (port, address) => local.connect(port, address),
    close: () => local.close(),
  }
}
/** Takes the password letter by letter, as sudo does. */
const asks = `printf '%s' "$PROMPT" >&2; read -r given; [ "$given" = opensesame ] || { echo 'Sorry, try again.' >&2; printf '%s' "$PROMPT" >&2; read -r given; exit 1; }`

const run = (sudo: string, input: string, password?: string) =>
  runCommand(
    { argv: ['cat'], input },
    {
      host: 'h1',
      address: '10.0.0.1',
      shell: shellWith(sudo),
      secrets: createSecrets(),
      sudo: { user: 'ops', ...(password !== undefined && { password: async () => password }) },
    },
  )
const stdoutOf = async (sudo: string, password?: string) => (await run(sudo, 'payload\n', password)).stdout

test('a sudo that asks gets the password, and the command its input', async () => {
  assert.is(await stdoutOf(`${asks}\nexec "$@"`, 'opensesame'), 'payload\n')
})

test('a sudo that does not ask gets none', async () => {
  assert.is(await stdoutOf('exec "$@"', 'opensesame'), 'payload\n')
})

test("a site's own prompt is answered too", async () => {
  assert.is(await stdoutOf(`printf 'LDAP password for ops: ' >&2; read -r given\nexec "$@"`, 'opensesame'), 'payload\n')
})

test('a lecture before the prompt is no output', async () => {
  const output = await run(
    `echo 'We trust you have received the usual lecture' >&2\n${asks}\nexec "$@"`,
    '',
    'opensesame',
  )
  assert.equal(output, { stdout: '', stderr: '', exitCode: 0 })
})

test('a wrong password is given once', async () => {
  const error = await rejection<SealerError>(run(`${asks}\nexec "$@"`, '', 'openbarley'))
  assert.is(error.code, 'SUDO_FAILED')
  assert.match(error.message, /wrong/)
})

test('without a password the error says so', async () => {
  assert.match((await rejection(run(`${asks}\nexec "$@"`, ''))).message, /none is given/)
})

test('what sudo says when it refuses is the reason', async () => {
  const error = await rejection<SealerError>(
    run('echo "ops is not in the sudoers file." >&2; exit 1', '', 'opensesame'),
  )
  assert.is(error.code, 'SUDO_FAILED')
  assert.match(error.message, /not in the sudoers file/)
})

test.run()

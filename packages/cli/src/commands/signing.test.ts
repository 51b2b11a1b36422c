import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Sealer } from '@sealer/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runCli } from '../cli.ts'
import { fakeContext } from '../fakes.test.support.ts'

const test = suite('signing')
const folder = mkdtempSync(join(tmpdir(), 'sealer-keys-'))
test.after(() => rmSync(folder, { recursive: true }))

const id = '3f9c2a417b20'.padEnd(64, '0')
const report = {
  image: 'docker.io/team/app:v1',
  digest: 'sha256:1',
  identity: 'docker.io/team/app',
  key: id,
  annotations: {},
}

/** A sealer that remembers what it was asked. */
function recorder() {
  const asked: unknown[] = []
  const answer =
    <Value>(what: string, value: Value) =>
    async (...args: unknown[]) => {
      asked.push([what, ...args])
      return value
    }
  const sealer = {
    images: { sign: answer('sign', report), verify: answer('verify', report) },
    trust: {
      add: answer('add', { id, kind: 'ecdsa-p256', for: '**', until: Date.parse('2027-01-31T23:59:59Z') }),
      list: answer('list', [{ id, kind: 'ed25519', for: 'quay.io/**', identity: 'docker.io/team/*' }]),
      remove: answer('remove', 1),
    },
  } as unknown as Partial<Sealer>
  return { asked, sealer }
}

test('two files are made, the private key for its owner alone; none is overwritten', async () => {
  const prefix = join(folder, 'release')
  const context = fakeContext({}, { env: { PW: 'pa55word' } })
  assert.is(await runCli(['keys', 'generate', prefix, '--password-from', 'env:PW'], context), 0)
  assert.is(statSync(`${prefix}.key`).mode & 0o777, 0o600)
  assert.match(readFileSync(`${prefix}.pub`, 'utf8'), '-----BEGIN PUBLIC KEY-----')
  const before = readFileSync(`${prefix}.key`, 'utf8')
  assert.is(await runCli(['keys', 'generate', prefix, '--password-from', 'env:PW'], context), 1)
  assert.match(context.err(), 'SIGNING_KEY_EXISTS')
  assert.is(readFileSync(`${prefix}.key`, 'utf8'), before)
})

test('a new password is asked for twice', async () => {
  const answers = ['one', 'two']
  const questions = { password: async () => answers.shift() ?? '', confirm: async () => false }
  const context = fakeContext({}, { questions })
  assert.is(await runCli(['keys', 'generate', join(folder, 'mistyped')], context), 2)
  assert.match(context.err(), 'the two are not the same')
})

test('sign and verify hand on what was said', async () => {
  const { asked, sealer } = recorder()
  const context = fakeContext(sealer)
  const flags = ['--key', 'k.key', '--password-from', 'env:PW', '--as', 'quay.io/x/y', '--annotation', 'by=ci']
  assert.is(await runCli(['sign', 'app:v1', ...flags], context), 0)
  assert.is(await runCli(['verify', 'app:v1', '--key', 'k.pub', '--identity', 'quay.io/**'], context), 0)
  assert.equal(asked, [
    ['sign', 'app:v1', { key: 'k.key', password: 'env:PW', identity: 'quay.io/x/y', annotations: { by: 'ci' } }],
    ['verify', 'app:v1', { key: 'k.pub', identity: 'quay.io/**' }],
  ])
  assert.match(context.out(), 'Signed docker.io/team/app:v1 as docker.io/team/app, key 3f9c2a417b20.')
  assert.match(context.out(), 'Verified docker.io/team/app:v1')
})

test('trusted keys are added, listed and removed', async () => {
  const { asked, sealer } = recorder()
  const context = fakeContext(sealer)
  assert.is(await runCli(['trust', 'add', 'k.pub', '--for', '**', '--until', '2027-01-31'], context), 0)
  assert.is(await runCli(['trust', 'list'], context), 0)
  assert.is(await runCli(['trust', 'remove', '3f9c'], context), 0)
  assert.equal(asked, [['add', 'k.pub', { for: '**', until: '2027-01-31' }], ['list'], ['remove', '3f9c', undefined]])
  assert.match(context.out(), '3f9c2a417b20 (ecdsa-p256) is trusted for ** until 2027-01-31.')
  assert.match(context.out(), /3f9c2a417b20 +ed25519 +quay.io\/\*\* +docker.io\/team\/\* +always/)
})

test('--insecure-unsigned is for one command that looks into images', async () => {
  const seen: boolean[] = []
  const { sealer } = recorder()
  const context = fakeContext()
  context.openSealer = async () => {
    seen.push(context.insecureUnsigned)
    return {
      ...sealer,
      images: { load: async () => [], pull: async () => ({ reference: 'a', digest: 'b', size: 1 }) },
      [Symbol.asyncDispose]: async () => {},
    } as unknown as Sealer
  }
  await runCli(['load', 'a.tar', '--insecure-unsigned'], context)
  await runCli(['pull', 'a:v1'], context)
  assert.equal(seen, [true, false])
  assert.is(await runCli(['tag', 'a', 'b', '--insecure-unsigned'], context), 2)
})

test.run()

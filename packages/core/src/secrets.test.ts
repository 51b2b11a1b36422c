import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from './errors.ts'
import { createSecrets } from './secrets.ts'
import { rejection } from './testing/rejection.ts'

const test = suite('secrets')
const folder = mkdtempSync(join(tmpdir(), 'sealer-secrets-'))
test.after(() => rmSync(folder, { recursive: true }))

test('a secret is read from the environment that was given', async () => {
  assert.is(await createSecrets({ env: { PASSWORD: 'pa:ss' } }).read('env:PASSWORD'), 'pa:ss')
})

test('a secret is read from a file, without its last line end', async () => {
  writeFileSync(join(folder, 'password'), 'two\nlines\n')
  assert.is(await createSecrets().read(`file:${join(folder, 'password')}`), 'two\nlines')
})

test('a question is asked once for each thing', async () => {
  const asked: string[] = []
  const prompt = async (what: string) => {
    asked.push(what)
    return `answer ${asked.length}`
  }
  const secrets = createSecrets({ prompt })
  const answers = await Promise.all(['prompt:Key', 'prompt:Key', 'prompt'].map((reference) => secrets.read(reference)))
  assert.equal(answers, ['answer 1', 'answer 1', 'answer 2'])
  assert.equal(asked, ['Key', 'Password'])
})

test('without a terminal a question is refused', async () => {
  const error = await rejection<SealerError>(createSecrets().read('prompt'))
  assert.is(error.code, 'SECRET_UNREADABLE')
})

test('what was typed in spite of the warning is a secret too', async () => {
  const secrets = createSecrets()
  assert.is(await secrets.read('value:hunter22'), 'hunter22')
  assert.is(secrets.mask('login hunter22'), 'login ***')
})

test('a text that is no reference is not repeated in the error', async () => {
  const error = await rejection(createSecrets().read('hunter22'))
  assert.not.match(error.message, /hunter22/)
})

test('an absent variable and an absent file are named', async () => {
  assert.match((await rejection(createSecrets().read('env:NONE'))).message, /env:NONE/)
  assert.match((await rejection(createSecrets().read('file:/no/such'))).message, /ENOENT/)
})

test('every form of a secret is masked', () => {
  const secrets = createSecrets()
  const secret = 'p@ss "wörd"/1'
  secrets.remember(secret)
  const forms = [secret, JSON.stringify(secret), encodeURIComponent(secret), Buffer.from(secret).toString('base64')]
  for (const form of forms) assert.not.match(secrets.mask(`a ${form} b`), /ss|cEBz/)
})

test('each line of a long secret is masked', () => {
  const secrets = createSecrets()
  secrets.remember('-----BEGIN-----\nMIIEvQIBADANBgkq\n-----END-----')
  assert.is(secrets.mask('read MIIEvQIBADANBgkq'), 'read ***')
})

test('a secret inside another one leaves nothing of it bare', () => {
  const secrets = createSecrets()
  secrets.remember('abcd')
  secrets.remember('abcdefgh')
  assert.is(secrets.mask('abcdefgh abcd'), '*** ***')
})

test('very short secrets are left, they would blot out every text', () => {
  const secrets = createSecrets()
  secrets.remember('a')
  assert.is(secrets.mask('a banana'), 'a banana')
})

test.run()

import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SealerError } from '../errors.ts'
import { parseReference } from '../image/reference.ts'
import { type Judged, judge, type Vouching } from './judge.ts'
import { publicHalf } from './keys.ts'
import { matches, readPattern } from './name-pattern.ts'
import { writePayload } from './payload.ts'
import { type Signature, signPayload } from './signature.ts'

const test = suite('judging signatures')
const [ours, others] = [1, 2].map(() => generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey) as [
  KeyObject,
  KeyObject,
]
const digest = `sha256:${'a'.repeat(64)}`
const image: Judged = { image: 'docker.io/team/app:v1', digest }
const now = Date.parse('2026-06-01')

const signed = (key: KeyObject, claim: { digest?: string; identity?: string } = {}): Signature =>
  signPayload(writePayload({ digest, identity: 'docker.io/team/app', annotations: {}, ...claim }), key)
const by = (key: KeyObject, rest: Omit<Vouching, 'key'> = {}): Vouching => ({ key: publicHalf(key), ...rest })

function verdict(signatures: readonly Signature[], keys: readonly Vouching[], judged = image): string {
  try {
    return judge(judged, signatures, keys, now).key.id === publicHalf(ours).id ? 'ours' : 'others'
  } catch (error) {
    if (SealerError.is(error)) return error.code
    throw error
  }
}

test('one good signature among others is enough', () => {
  const garbage: Signature = { payload: Buffer.from('x'), signature: 'not base64!' }
  assert.is(
    verdict([garbage, signed(others), signed(ours, { digest: `sha256:${'b'.repeat(64)}` }), signed(ours)], [by(ours)]),
    'ours',
  )
})

test('each thing that is wrong has an error of its own', () => {
  const elsewhere = { digest: `sha256:${'b'.repeat(64)}` }
  const changed = {
    ...signed(ours),
    payload: writePayload({ ...elsewhere, identity: 'docker.io/team/app', annotations: {} }),
  }
  assert.equal(
    {
      none: verdict([], [by(ours)]),
      'another key': verdict([signed(others)], [by(ours)]),
      'a changed payload': verdict([changed], [by(ours)]),
      'no signature': verdict([{ payload: Buffer.from('x'), signature: '%%' }], [by(ours)]),
      'another image': verdict([signed(ours, elsewhere)], [by(ours)]),
      'another name': verdict([signed(ours, { identity: 'docker.io/team/other' })], [by(ours)]),
      'no name': verdict([signed(ours, { identity: '' })], [by(ours)]),
      'an expired key': verdict([signed(ours)], [by(ours, { until: now - 1 })]),
      'no payload': verdict([signPayload(Buffer.from('{}'), ours)], [by(ours)]),
    },
    {
      none: 'SIGNATURE_MISSING',
      'another key': 'SIGNATURE_UNTRUSTED',
      'a changed payload': 'SIGNATURE_UNTRUSTED',
      'no signature': 'SIGNATURE_DAMAGED',
      'another image': 'SIGNATURE_OF_OTHER_IMAGE',
      'another name': 'SIGNATURE_FOR_OTHER_NAME',
      'no name': 'SIGNATURE_FOR_OTHER_NAME',
      'an expired key': 'SIGNATURE_KEY_EXPIRED',
      'no payload': 'SIGNATURE_DAMAGED',
    },
  )
})

test('names are compared as docker completes them; a tag in the signature holds for that tag alone', () => {
  assert.is(verdict([signed(ours, { identity: 'index.docker.io/team/app' })], [by(ours)]), 'ours')
  assert.is(verdict([signed(ours, { identity: 'team/app' })], [by(ours)]), 'ours')
  assert.is(verdict([signed(ours, { identity: 'team/app:v1' })], [by(ours)]), 'ours')
  assert.is(verdict([signed(ours, { identity: 'team/app:v2' })], [by(ours)]), 'SIGNATURE_FOR_OTHER_NAME')
})

test('a rule can allow signatures under other names', () => {
  const mirrored = { image: 'mirror.example/team/app:v1', digest }
  assert.is(verdict([signed(ours)], [by(ours)], mirrored), 'SIGNATURE_FOR_OTHER_NAME')
  assert.is(verdict([signed(ours)], [by(ours), by(ours, { identity: 'docker.io/team/*' })], mirrored), 'ours')
  assert.is(verdict([signed(ours)], [by(ours, { identity: 'quay.io/**' })], mirrored), 'SIGNATURE_FOR_OTHER_NAME')
})

test('a key that holds still counts beside one that has expired', () => {
  assert.is(verdict([signed(ours), signed(others)], [by(ours, { until: now }), by(others)]), 'others')
})

test('patterns: one star is a part of a name, two are any number of them', () => {
  const fits = (pattern: string, name: string) => matches(readPattern(pattern, '--for'), parseReference(name))
  assert.ok(fits('**', 'quay.io/a/b/c:v1'))
  assert.ok(fits('quay.io/a/*', 'quay.io/a/b'))
  assert.not(fits('quay.io/a/*', 'quay.io/a/b/c'))
  assert.ok(fits('quay.io/a/**', 'quay.io/a/b/c'))
  assert.not(fits('quay.io/a/**', 'quay.io.evil.example/a/b'))
  assert.not(fits('quay.io/**', 'evil.example/quay.io/a'))
  assert.ok(fits('*.example:5000/team/*', 'r.example:5000/team/app'))
  assert.ok(fits('dashboard', 'docker.io/library/dashboard:v9'))
  for (const bad of ['', 'team/*', 'quay.io/a:v1', 'quay.io/a b*', 'Ä/*', '*/'.repeat(9)])
    assert.throws(
      () => readPattern(bad, '--for'),
      (error: unknown) => SealerError.is(error) && error.code === 'TRUST_RULE_INVALID',
    )
})

test.run()

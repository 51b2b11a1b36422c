import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SealerError } from '../errors.ts'
import { fullName, parseReference } from './reference.ts'

const test = suite('reference')
const digest = `sha256:${'a'.repeat(64)}`

for (const [text, full] of [
  ['nginx', 'docker.io/library/nginx:latest'],
  ['nginx:1.25', 'docker.io/library/nginx:1.25'],
  ['team/app', 'docker.io/team/app:latest'],
  ['index.docker.io/library/nginx:1', 'docker.io/library/nginx:1'],
  ['docker.io/nginx', 'docker.io/library/nginx:latest'],
  ['quay.io/x/y:v1', 'quay.io/x/y:v1'],
  ['localhost/app', 'localhost/app:latest'],
  ['localhost:5000/app', 'localhost:5000/app:latest'],
  ['registry:5000/a/b_c/d--e:V1.0_x', 'registry:5000/a/b_c/d--e:V1.0_x'],
  ['[::1]:5000/app:v1', '[::1]:5000/app:v1'],
  ['10.0.0.1:5000/app', '10.0.0.1:5000/app:latest'],
  [`nginx@${digest}`, `docker.io/library/nginx@${digest}`],
  [`nginx:1.25@${digest}`, `docker.io/library/nginx:1.25@${digest}`],
] as const) {
  test(`${text.slice(0, 40)} is ${full.slice(0, 60)}`, () => {
    assert.is(fullName(parseReference(text)), full)
  })
}

test('a full name reads as itself', () => {
  const once = parseReference('team/app:v1')
  assert.equal(parseReference(fullName(once)), once)
})

for (const text of [
  '',
  ' nginx',
  'NGINX',
  'a//b',
  '/a',
  'a/',
  '../../etc/passwd',
  'quay.io/../x',
  'a..b/c',
  'x:',
  'x:-tag',
  `x:${'t'.repeat(129)}`,
  'x@sha256:abc',
  `x@sha512:${'a'.repeat(128)}`,
  `x@sha256:${'A'.repeat(64)}`,
  'a'.repeat(64),
  `${'a/'.repeat(200)}a`,
  'x\u0000y',
  'x\ny',
  'exa mple.com/x',
  'user:pw@host/x',
  'https://quay.io/x',
  'quay.io:port/x',
  `a${'-'.repeat(500)}`,
]) {
  test(`${JSON.stringify(text.slice(0, 30))} is refused`, () => {
    try {
      parseReference(text)
    } catch (error) {
      assert.ok(SealerError.is(error) && error.code === 'REFERENCE_INVALID')
      return
    }
    assert.unreachable('it was taken')
  })
}

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from '../errors.ts'
import { fakeHost } from '../testing/fake-host.ts'
import { rejection } from '../testing/rejection.ts'
import { firstToAnswer } from './first-to-answer.ts'

const test = suite('first to answer')

test('hosts that are down, or that take their time, are not waited for', async () => {
  const late = fakeHost('m2').answer('true', () => new Promise<string>(() => {}))
  assert.is((await firstToAnswer([fakeHost('m1').die(), late, fakeHost('m3')])).name, 'm3')
})

test('where none answers, each says why', async () => {
  const error = await rejection<SealerError>(firstToAnswer([fakeHost('m1').die(), fakeHost('m2').die()]))
  assert.is(error.code, 'HOSTS_FAILED')
  assert.is(error.problems?.length, 2)
})

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { catalogueOf, defineErrors } from '../../packages/core/src/errors.ts'
import { errorsPage } from './errors-page.ts'

const test = suite('the page of errors')
const one = catalogueOf(
  defineErrors('one', {
    HOST_LOST: {
      message: (d: { host: string; ports: readonly number[] }) => `${d.host} is lost on ${d.ports.join(', ')}.`,
      hint: (d) => `Look at ${d.host.slice(0, 9)}.`,
    },
    ALL_LOST: { message: () => 'Everything is lost.', hint: () => 'Begin again.' },
  }),
)

test('each error tells its message and hint, with names for details', () => {
  const page = errorsPage([one])
  assert.match(page, '## HOST_LOST\n\n\\<host> is lost on \\<ports>.\n\nTry: Look at \\<host>.')
  assert.ok(page.indexOf('ALL_LOST') < page.indexOf('HOST_LOST'))
})

test('a code that two catalogues hold is refused', () => {
  const two = catalogueOf(defineErrors('two', { ALL_LOST: { message: () => '', hint: () => '' } }))
  assert.throws(() => errorsPage([one, two]), /ALL_LOST stands in two catalogues: one and two/)
})

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fakeContext, type } from '../fakes.test.support.ts'

const test = suite('sealer build')

const wrong: [flags: string, says: RegExp][] = [
  ['--type bogus', /'--type <type>' argument 'bogus' is invalid/],
  ['--build-mode bogus', /unknown option '--build-mode'/],
  ['--platform bogus', /--platform "bogus": write it like linux\/amd64/],
  ['--build-arg A', /'--build-arg <name=value>' argument 'A' is invalid/],
]
for (const [flags, says] of wrong) {
  test(`${flags} is refused before anything is built`, async () => {
    const context = fakeContext({ build: () => Promise.reject(new Error('it was built')) })
    assert.is(await type(`build -t x:1 ${flags} .`, context), 2)
    assert.match(context.err(), says)
  })
}

test('-f - is standard input', async () => {
  const asked: (string | undefined)[] = []
  const build = ({ file }: { file?: string }) => {
    asked.push(file)
    return Promise.reject(new Error('enough'))
  }
  await type('build -t x:1 -f - .', fakeContext({ build }))
  assert.equal(asked, ['/dev/stdin'])
})

test.run()

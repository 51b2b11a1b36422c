import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../testing/rejection.ts'
import { draftOf, temporaryContext } from './kubefiles.test.support.ts'

const test = suite('build context')

test('links inside a folder stay links', async () => {
  await using context = await temporaryContext({ 'tree/bin/tool': 'x' })
  await context.link('tree/link', 'bin/tool')
  await context.link('tree/absolute', '/etc/passwd')
  const { layers } = await draftOf(context, 'COPY tree opt')
  const links = layers[0]?.entries.flatMap((entry) => (entry.kind === 'link' ? [[entry.path, entry.target]] : []))
  assert.equal(links, [
    ['opt/absolute', '/etc/passwd'],
    ['opt/link', 'bin/tool'],
  ])
})

test('a link that is named itself is followed inside the context', async () => {
  await using context = await temporaryContext({ 'real/file': 'x' })
  await context.link('link', 'real')
  const { layers } = await draftOf(context, 'COPY link opt')
  assert.ok(layers[0]?.entries.some(({ path, kind }) => path === 'opt/file' && kind === 'file'))
})

test('a link does not lead out of the context', async () => {
  await using context = await temporaryContext()
  await context.link('link', '/etc')
  for (const source of ['link', 'link/passwd', 'link/pass*']) {
    const error = await rejection(draftOf(context, `COPY ${source} opt/`))
    assert.match(error.message, /leads out of the build context through a symbolic link/)
  }
})

test('a pipe is refused by name', async () => {
  await using context = await temporaryContext({ 'tree/file': 'x' })
  execFileSync('mkfifo', [join(context.folder, 'tree/pipe')])
  assert.match(
    (await rejection(draftOf(context, 'COPY tree opt'))).message,
    /tree\/pipe is neither a file nor a folder/,
  )
})

test('a file that cannot be read is told with the line that wants it', async () => {
  await using context = await temporaryContext({ 'tree/file': 'x' })
  context.context.entries = () => Promise.reject(Object.assign(new Error(), { code: 'EACCES', path: '/c/tree/file' }))
  const { message } = await rejection(draftOf(context, 'COPY tree opt'))
  assert.match(message, /^Kubefile:2:6: \/c\/tree\/file cannot be read \(EACCES\)/)
})

test('a name that would take a file away is refused', async () => {
  await using context = await temporaryContext({ 'tree/.wh.tool': 'x' })
  assert.match(
    (await rejection(draftOf(context, 'COPY tree opt'))).message,
    /\.wh\.tool has a name that means "taken away"/,
  )
})

test('names that look like patterns can be written', async () => {
  await using context = await temporaryContext({ 'a[1].txt': 'x', 'a1.txt': 'y' })
  const paths = async (copy: string) => (await draftOf(context, copy)).layers[0]?.entries.map(({ path }) => path)
  assert.equal(await paths("COPY 'a\\[1].txt' etc/"), ['etc', 'etc/a[1].txt'])
  assert.equal(await paths('COPY a[1].txt etc/'), ['etc', 'etc/a1.txt'])
})

test.run()

import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from '../errors.ts'
import { digestOf } from '../image/blobs.ts'
import { rejection } from '../testing/rejection.ts'
import { draftOf, temporaryContext } from './kubefiles.test.support.ts'

const test = suite('download')
const manifest = Buffer.from('apiVersion: v1\nkind: Namespace\nmetadata: {name: web}\n')
const digest = digestOf(manifest)
const asked: string[] = []
const server = createServer((request, response) => {
  asked.push(request.url ?? '')
  if (request.url === '/moved') response.writeHead(302, { location: '/web.yaml' }).end()
  else if (request.url?.startsWith('/web.yaml')) response.end(manifest)
  else response.writeHead(404).end('<html>not here</html>')
})
let url = ''
test.before(async () => {
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
test.before.each(() => {
  asked.length = 0
})
test.after(() => void server.close())

test('a pinned file is fetched once', async () => {
  await using context = await temporaryContext()
  const add = `ADD --checksum=${digest} ${url}/web.yaml etc/`
  await draftOf(context, add)
  const { layers } = await draftOf(context, add)
  const file = layers[0]?.entries.find(({ path }) => path === 'etc/web.yaml')
  assert.ok(file?.kind === 'file' && file.mode === 0o644 && file.size === manifest.length)
  assert.ok((await readFile(file.source)).equals(manifest))
  assert.equal(asked, ['/web.yaml'])
})

test('redirects are followed', async () => {
  await using context = await temporaryContext()
  const { layers } = await draftOf(context, `ADD ${url}/moved etc/web.yaml`)
  assert.ok(layers[0]?.entries.some((entry) => entry.kind === 'file' && entry.digest === digest))
})

test('another file than the pinned one is refused', async () => {
  await using context = await temporaryContext()
  const error = await rejection<SealerError>(
    draftOf(context, `ADD --checksum=sha256:${'0'.repeat(64)} ${url}/web.yaml etc/`),
  )
  assert.is(error.code, 'DOWNLOAD_CHECKSUM')
})

test('an answer that is no file is refused, without what may be secret in the address', async () => {
  await using context = await temporaryContext()
  const error = await rejection<SealerError>(draftOf(context, `ADD ${url}/nosuch?token=s3cret etc/`))
  assert.is(error.code, 'DOWNLOAD_FAILED')
  assert.match(error.message, /^Kubefile:\d+:\d+: cannot download .*nosuch: the server answers with status 404/)
  assert.not.match(error.message, /s3cret/)
})

test('an app may come from a URL, pinned by its end', async () => {
  await using context = await temporaryContext()
  const { apps } = await draftOf(context, `APP web ${url}/web.yaml#${digest}\nLAUNCH web`)
  assert.equal(apps, [{ name: 'web', type: 'kube', files: ['web.yaml'] }])
  const error = await rejection<SealerError>(draftOf(context, `APP web ${url}/web.yaml#sha256:${'0'.repeat(64)}`))
  assert.is(error.code, 'DOWNLOAD_CHECKSUM')
})

test('an address without a file name needs a target with one', async () => {
  await using context = await temporaryContext()
  assert.match((await rejection(draftOf(context, `ADD ${url}/ etc/`))).message, /has no file name/)
  assert.match((await rejection(draftOf(context, `APP web ${url}/`))).message, /has no file name/)
})

test.run()

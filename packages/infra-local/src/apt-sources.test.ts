import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { distributionSources } from './apt-sources.ts'

const test = suite('apt sources')
const apt = mkdtempSync(join(tmpdir(), 'sealer-apt-'))
test.after(() => rmSync(apt, { recursive: true }))

async function read(files: Readonly<Record<string, string>>, codename = 'bookworm') {
  rmSync(apt, { recursive: true })
  mkdirSync(join(apt, 'sources.list.d'), { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(apt, name), text)
  return await distributionSources(codename, apt)
}

test('lines of the distribution are taken, with their options', async () => {
  const line = 'deb [signed-by=/usr/share/keyrings/debian.gpg] http://mirror.site/debian bookworm main contrib'
  const found = await read({ 'sources.list': `# comment\n${line}\ndeb-src http://mirror.site/debian bookworm main\n` })
  assert.is(found?.list, `${line}\n`)
})

test('stanzas are taken, updates and security included', async () => {
  const stanza =
    'Types: deb deb-src\nURIs: https://deb.debian.org/debian-security\nSuites: bookworm-security\nComponents: main'
  const found = await read({ 'sources.list.d/debian.sources': `# made by hand\n${stanza}\n\n` })
  assert.is(found?.stanzas, stanza)
})

test('repositories of others, other releases and disabled ones are left out', async () => {
  const stanza = 'Types: deb\nURIs: http://deb.debian.org/debian\nSuites: bookworm\nComponents: main'
  const found = await read({
    'sources.list': `deb https://download.docker.com/linux/debian bookworm stable
deb https://packages.cloud.google.com/apt cloud-sdk-bookworm main
deb http://deb.debian.org/debian trixie main
`,
    'sources.list.d/off.sources': `${stanza}\nEnabled: no\n`,
  })
  assert.is(found, undefined)
})

test('without any sources there are none', async () => {
  assert.is(await read({}), undefined)
  assert.is(await distributionSources('bookworm', '/nonexistent'), undefined)
})

test.run()

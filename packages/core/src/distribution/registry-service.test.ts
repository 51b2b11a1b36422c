import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../clock.ts'
import { fakeHost } from '../testing/fake-host.ts'
import { runSteps } from '../testing/run-steps.ts'
import { registryAuthority } from './registry-pki.ts'
import { startRegistry } from './registry-service.ts'

const test = suite('registry-service')
const folder = mkdtempSync(join(tmpdir(), 'registry-'))
test.after(() => rmSync(folder, { recursive: true, force: true }))

const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest: `sha256:${'a'.repeat(64)}`, size: 1 }
const blob = `docker/registry/v2/repositories/sealer/shared/_layers/sha256/${'a'.repeat(64)}/link`

test('a registry that runs gets the names of what others lack, and is not started again', async () => {
  const pki = () => registryAuthority(folder, 'lab', { clock: systemClock, masters: [] })
  const host = fakeHost('m1', ['master'], { address: '10.0.0.1' }).answer('is-active', () =>
    host.commands.some((command) => command.startsWith('sh -c') && command.includes(' start ')) ? 'active\n' : '',
  )
  host.files.set('/var/lib/sealer/clusters/lab/rootfs/bin/registry', 'program')
  const run = async (shared: readonly (typeof layer)[]) => {
    const options = { cluster: 'lab', port: 5000, clock: systemClock, keepsAuthority: true, after: [] }
    return await runSteps([startRegistry(host, { ...options, authority: await pki(), shared })], [host])
  }
  const starts = () => host.commands.filter((command) => command.includes('systemctl restart')).length

  assert.equal((await run([])).ran, ['registry-start/m1'])
  assert.is(starts(), 1)
  assert.equal((await run([])).skipped, ['registry-start/m1'])
  host.answer(/ seen /, `${'a'.repeat(64)}\n`)
  assert.equal((await run([layer])).ran, ['registry-start/m1'])
  assert.is(starts(), 1)
  assert.ok(host.sent.some(({ command, input }) => command.startsWith('tar ') && input.includes(blob.slice(-80))))
})

test.run()

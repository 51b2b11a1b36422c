import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from '../errors.ts'
import { silentLogger } from '../logger.ts'
import { rejection } from '../testing/rejection.ts'
import { createHostKeys, type HostKeyOptions, type KeyOwner } from './host-key.ts'
import { knownHostLine } from './known-hosts.ts'

const test = suite('host-key')
const folder = mkdtempSync(join(tmpdir(), 'sealer-host-key-'))
test.after(() => rmSync(folder, { recursive: true }))

const owner: KeyOwner = { name: 'h1', address: '10.0.0.1', port: 22, sendsPassword: false }
const wire = (type: string, text: string) => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(type.length)
  return Buffer.concat([length, Buffer.from(type), Buffer.from(text)])
}
const [key, other, rsa] = [wire('ssh-ed25519', 'one'), wire('ssh-ed25519', 'two'), wire('ssh-rsa', 'three')]
const line = (known: Buffer, marker = '') => `${marker}${knownHostLine(owner.address, 22, known)}\n`

let files = 0
function fileWith(text: string): string {
  const file = join(folder, `known-${++files}`)
  writeFileSync(file, text)
  return file
}
const freshPinFile = () => join(folder, `pins-${++files}`, 'known_hosts')
const keysWith = (options: Partial<HostKeyOptions>) => createHostKeys({ logger: silentLogger, ...options })

/** What a connection with this key comes to: `trusted`, `settled` (connect again), or a code. */
async function outcome(
  options: Partial<HostKeyOptions>,
  offered: Buffer,
  about: Partial<KeyOwner> = {},
): Promise<string> {
  const check = keysWith(options).checkFor({ ...owner, ...about })
  if (await check.trusted(offered)) return 'trusted'
  try {
    return (await check.settled()) ? 'settled' : 'not the reason'
  } catch (error) {
    return (error as SealerError).code
  }
}

for (const policy of [undefined, { kind: 'strict' }, { kind: 'accept-new' }] as const) {
  const title = policy?.kind ?? 'no policy'
  const of = (text: string) => ({ knownHosts: [fileWith(text)], ...(policy && { policy }) })

  test(`${title}: a known key is trusted`, async () => {
    assert.is(await outcome(of(line(key)), key), 'trusted')
  })

  test(`${title}: a changed key is refused`, async () => {
    assert.is(await outcome(of(line(key)), other), 'HOST_KEY_CHANGED')
  })

  test(`${title}: a key of another type than the known one is a changed key`, async () => {
    assert.is(await outcome(of(line(rsa)), key), 'HOST_KEY_CHANGED')
  })

  test(`${title}: a revoked key is refused, also where it is known`, async () => {
    assert.is(await outcome(of(line(key) + line(key, '@revoked ')), key), 'HOST_KEY_REVOKED')
  })
}

test('strict refuses an unknown key', async () => {
  assert.is(await outcome({ policy: { kind: 'strict' } }, key), 'HOST_KEY_UNKNOWN')
})

test('accept-new pins an unknown key, for its owner alone to read', async () => {
  const pinFile = freshPinFile()
  assert.is(await outcome({ policy: { kind: 'accept-new' }, pinFile }, key), 'trusted')
  assert.is(readFileSync(pinFile, 'utf8'), line(key))
  assert.is(statSync(pinFile).mode & 0o777, 0o600)
  assert.is(await outcome({ policy: { kind: 'accept-new' }, pinFile }, other), 'HOST_KEY_CHANGED')
})

test('without a policy an unknown key is pinned where no password is sent', async () => {
  assert.is(await outcome({}, key), 'trusted')
  assert.is(await outcome({}, key, { sendsPassword: true }), 'HOST_KEY_UNKNOWN')
})

test('without a file a pin holds for this run', async () => {
  const keys = keysWith({ policy: { kind: 'accept-new' } })
  assert.ok(await keys.checkFor(owner).trusted(key))
  assert.not(await keys.checkFor(owner).trusted(other))
})

test('a pinned key goes before what other files say', async () => {
  const pinFile = freshPinFile()
  await outcome({ policy: { kind: 'accept-new' }, pinFile }, key)
  assert.is(await outcome({ pinFile, knownHosts: [fileWith(line(other))] }, key), 'trusted')
})

test('a yes pins the key, a no refuses it, and anything but true is a no', async () => {
  const answer = (value: unknown) => ({ policy: { kind: 'ask', ask: async () => value as boolean } }) as const
  assert.is(await outcome(answer(true), key), 'settled')
  assert.is(await outcome(answer(false), key), 'HOST_KEY_UNKNOWN')
  assert.is(await outcome(answer('no'), key), 'HOST_KEY_UNKNOWN')
})

test('many hosts are asked for one after the other', async () => {
  let open = 0
  let most = 0
  const ask = async () => {
    most = Math.max(most, ++open)
    await new Promise(setImmediate)
    open -= 1
    return true
  }
  const keys = keysWith({ policy: { kind: 'ask', ask } })
  const settle = async (index: number) => {
    const check = keys.checkFor({ ...owner, address: `10.0.0.${index}` })
    await check.trusted(key)
    return await check.settled()
  }
  assert.equal(await Promise.all([1, 2, 3].map(settle)), [true, true, true])
  assert.is(most, 1)
})

test('pins of many hosts at once are all kept', async () => {
  const pinFile = freshPinFile()
  const keys = keysWith({ policy: { kind: 'accept-new' }, pinFile })
  await Promise.all(
    Array.from({ length: 20 }, (_, index) => keys.checkFor({ ...owner, address: `10.0.1.${index}` }).trusted(key)),
  )
  assert.is(readFileSync(pinFile, 'utf8').trim().split('\n').length, 20)
})

test('algorithms of known keys are offered first, and none with SHA-1', async () => {
  const check = keysWith({ knownHosts: [fileWith(line(rsa))] }).checkFor(owner)
  const algorithms = await check.algorithms()
  assert.equal(algorithms.slice(0, 3), ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-ed25519'])
  assert.not(algorithms.includes('ssh-rsa'))
})

test('a connection that failed for another reason is not settled here', async () => {
  assert.not(await keysWith({}).checkFor(owner).settled())
})

test('the error shows what is known and what is offered', async () => {
  const check = keysWith({ knownHosts: [fileWith(line(key))] }).checkFor(owner)
  await check.trusted(other)
  assert.match((await rejection(check.settled())).message, /known is SHA256:\S+, offered is SHA256:/)
})

test.run()

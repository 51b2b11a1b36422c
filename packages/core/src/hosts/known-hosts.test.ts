import { createHmac } from 'node:crypto'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fingerprint, keyType, knownHostLine, parseKnownHosts, speaksOf, withoutHost } from './known-hosts.ts'

const test = suite('known-hosts')

const key = 'AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ'
/** Whether a line with these patterns speaks of a host. */
function speaks(hosts: string, address: string, port = 22): boolean {
  const [entry] = parseKnownHosts(`${hosts} ssh-ed25519 ${key} a comment`)
  return entry !== undefined && speaksOf(entry, address, port)
}
const hashed = (name: string) => {
  const salt = Buffer.from('0123456789abcdefghij')
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`
}

test('a plain name speaks of that host alone', () => {
  assert.ok(speaks('10.0.0.1,lab', 'lab'))
  assert.ok(speaks('Lab', 'lAB'))
  assert.not(speaks('lab', 'lab2'))
})

test('another port is another host', () => {
  assert.ok(speaks('[lab]:2222', 'lab', 2222))
  assert.not(speaks('lab', 'lab', 2222))
  assert.not(speaks('[lab]:2222', 'lab'))
})

test('a hashed name speaks of its host', () => {
  assert.ok(speaks(hashed('10.0.0.1'), '10.0.0.1'))
  assert.ok(speaks(hashed('[10.0.0.1]:2222'), '10.0.0.1', 2222))
  assert.not(speaks(hashed('10.0.0.1'), '10.0.0.2'))
})

test('wildcards fit, and a negated one rules out', () => {
  assert.ok(speaks('10.0.0.*', '10.0.0.7'))
  assert.ok(speaks('node-?', 'node-1'))
  assert.not(speaks('node-?', 'node-10'))
  assert.not(speaks('10.0.0.*,!10.0.0.7', '10.0.0.7'))
  assert.not(speaks('10.0.0.1', '10x0x0x1'))
})

test('markers are told', () => {
  const markers = parseKnownHosts(`@revoked * ssh-ed25519 ${key}\n@cert-authority *.lab ssh-ed25519 ${key}`)
  assert.equal(
    markers.map((entry) => entry.marker),
    ['revoked', 'cert-authority'],
  )
})

test('comments and broken lines are passed over', () => {
  assert.equal(parseKnownHosts('# a comment\n\nlab\nlab ssh-ed25519\nlab ssh-ed25519 ???\n'), [])
})

test('a written line can be read', () => {
  const wire = Buffer.from(key, 'base64')
  assert.is(knownHostLine('10.0.0.1', 2222, wire), `[10.0.0.1]:2222 ssh-ed25519 ${key}`)
  assert.is(knownHostLine('10.0.0.1', 22, wire), `10.0.0.1 ssh-ed25519 ${key}`)
})

test('a host is taken out, others and comments stay', () => {
  const text = `# mine\na ssh-ed25519 ${key}\n@revoked a ssh-ed25519 ${key}\nb ssh-ed25519 ${key}\n`
  assert.is(withoutHost(text, 'a', 22), `# mine\n@revoked a ssh-ed25519 ${key}\nb ssh-ed25519 ${key}\n`)
})

test('a fingerprint is as ssh-keygen shows it', () => {
  assert.is(fingerprint(Buffer.from(key, 'base64')), 'SHA256:T7SvZ2cslqpPj6nKzitCBHHlpVF3r3MvLwmFL0fk0IE')
})

test('the type of a damaged key is no type', () => {
  assert.is(keyType(Buffer.from(key, 'base64')), 'ssh-ed25519')
  assert.is(keyType(Buffer.from([255, 255, 255, 255])), '')
  assert.is(keyType(Buffer.alloc(0)), '')
})

test.run()

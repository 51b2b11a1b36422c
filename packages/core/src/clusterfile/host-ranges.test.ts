import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseHostCount, parseHostRanges } from './host-ranges.ts'

const test = suite('host ranges')

/** Fails with a message that names the part. */
const refused = (text: string, part: string, why: RegExp) => {
  assert.throws(
    () => parseHostRanges(text),
    (error: Error) => error.message.includes(`"${part}"`) && why.test(error.message),
    text,
  )
}

test('HR-01 a range is every address from its start to its end', () => {
  assert.equal(parseHostRanges('10.20.0.4-10.20.0.7'), ['10.20.0.4', '10.20.0.5', '10.20.0.6', '10.20.0.7'])
})

test('HR-02 a range goes on beyond the last byte', () => {
  const expected = ['10.20.0.254', '10.20.0.255', '10.20.1.0', '10.20.1.1', '10.20.1.2']
  assert.equal(parseHostRanges('10.20.0.254-10.20.1.2'), expected)
})

test('HR-03 ranges and addresses mix', () => {
  assert.equal(parseHostRanges('10.20.0.4-10.20.0.6,10.20.0.9'), ['10.20.0.4', '10.20.0.5', '10.20.0.6', '10.20.0.9'])
})

test('HR-04 a range of one address is that address', () => {
  assert.equal(parseHostRanges('10.20.0.4-10.20.0.4'), ['10.20.0.4'])
})

test('HR-05 what is no list of hosts is refused by the part that is wrong', () => {
  refused('10.20.0.7-10.20.0.4', '10.20.0.7-10.20.0.4', /before its start/)
  refused('10.20.0.4-', '10.20.0.4-', /two ends/)
  refused('10.20.0.4,', '', /missing/)
  refused('10.20.0.4-7', '10.20.0.4-7', /7 is not an IP address/)
  refused('010.20.0.4', '010.20.0.4', /not an IP address/)
  refused('10.20.0.1,node1', 'node1', /not an IP address/)
})

test('HR-06 blanks around commas do not matter', () => {
  assert.equal(parseHostRanges('10.20.0.4, 10.20.0.5'), ['10.20.0.4', '10.20.0.5'])
})

test('HR-07 ranges of IPv6', () => {
  assert.equal(parseHostRanges('fd00:20::4-fd00:20::6'), ['fd00:20::4', 'fd00:20::5', 'fd00:20::6'])
})

test('HR-07 an IPv6 address has one written form', () => {
  assert.equal(parseHostRanges('FD00:20:0:0:0:0:0:4'), ['fd00:20::4'])
  assert.equal(parseHostRanges('::'), ['::'])
  assert.equal(parseHostRanges('2001:db8:0:0:1:0:0:1'), ['2001:db8::1:0:0:1'])
  assert.equal(parseHostRanges('10:0:0:20:0:0:0:1'), ['10:0:0:20::1'])
  assert.equal(parseHostRanges('::ffff:10.0.0.1'), ['::ffff:a00:1'])
  assert.equal(parseHostRanges('fd00::'), ['fd00::'])
})

test('HR-08 one family for all', () => {
  refused('fd00:20::1-10.20.0.4', 'fd00:20::1-10.20.0.4', /one family/)
  refused('10.20.0.4,fd00:20::1', 'fd00:20::1', /not both/)
})

test('HR-09 no address twice, however it is written', () => {
  refused('10.20.0.4,10.20.0.4', '10.20.0.4', /twice/)
  refused('10.20.0.4-10.20.0.6,10.20.0.5', '10.20.0.5', /twice/)
  refused('fd00::1,fd00:0::1', 'fd00:0::1', /twice/)
})

test('HR-10 a number is a count for an infra, and no address', () => {
  assert.is(parseHostCount('3'), 3)
  assert.is(parseHostCount('10.0.0.1'), undefined)
  refused('3', '3', /--infra/)
})

test('HR-11 more hosts than the limit are refused at once', () => {
  refused('10.0.0.0-10.255.255.255', '10.0.0.0-10.255.255.255', /16777216 addresses; 1000 hosts/)
  assert.throws(() => parseHostRanges('10.0.0.1,10.0.0.2,10.0.0.3', { limit: 2 }), /more than 2 hosts/)
})

test.run()

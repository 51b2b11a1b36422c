import { isIP, isIPv4 } from 'node:net'
import { defineErrors } from '../errors.ts'

/** Errors of host lists. */
export const hostRangeErrors = defineErrors('core', {
  HOST_RANGE_INVALID: {
    message: (d: { part: string; reason: string }) => `"${d.part}" does not name hosts: ${d.reason}.`,
    hint: () => 'Write addresses and ranges with commas between them, e.g. 10.0.0.1-10.0.0.3,10.0.0.9',
  },
})

/**
 * The addresses of a host list as `--masters`, `--nodes` and `ips` take it: single addresses and ranges of IPv4 or IPv6, with commas
 * between them, in the order they are written.
 * @param limit most addresses that a list may name
 * @throws HOST_RANGE_INVALID naming the part that is wrong
 */
export function parseHostRanges(text: string, { limit = 1000 }: { readonly limit?: number } = {}): string[] {
  const addresses: string[] = []
  for (const part of text.split(',').map((one) => one.trim())) {
    for (const address of addressesOf(part, limit)) {
      if (addresses.includes(address)) throw invalid(part, `${address} is named twice`)
      if (isIPv4(address) !== isIPv4(addresses[0] ?? address))
        throw invalid(part, 'a cluster has IPv4 or IPv6 addresses, not both')
      if (addresses.length === limit) throw invalid(part, `more than ${limit} hosts`)
      addresses.push(address)
    }
  }
  return addresses
}

/** The number of hosts, where a list is nothing but a number: the infra is to supply them. */
export function parseHostCount(text: string): number | undefined {
  return /^\s*\d{1,6}\s*$/.test(text) ? Number(text) : undefined
}

function addressesOf(part: string, limit: number): string[] {
  if (part === '') throw invalid(part, 'an address is missing beside a comma')
  if (parseHostCount(part) !== undefined) {
    throw invalid(
      part,
      'it is a number of hosts, and only an infrastructure that makes hosts can supply them (--infra)',
    )
  }
  const [from = '', to, ...more] = part.split('-').map((one) => one.trim())
  if (to === undefined) return [textOf(addressOf(from, part))]
  if (more.length > 0) throw invalid(part, 'a range has one dash')
  const [first, last] = [addressOf(from, part), addressOf(to, part)]
  if (first.bits !== last.bits) throw invalid(part, 'a range stays in one family, IPv4 or IPv6')
  const count = last.value - first.value + 1n
  if (count < 1n) throw invalid(part, 'its end is before its start')
  if (count > BigInt(limit)) throw invalid(part, `it spans ${count} addresses; ${limit} hosts are the limit`)
  return Array.from({ length: Number(count) }, (_, index) =>
    textOf({ bits: first.bits, value: first.value + BigInt(index) }),
  )
}

interface Address {
  readonly bits: 32 | 128
  readonly value: bigint
}

function addressOf(text: string, part: string): Address {
  const family = isIP(text) // refuses leading zeros, which some take for octal
  if (family === 4) return { bits: 32, value: ipv4(text) }
  if (family === 6 && !text.includes('%')) return { bits: 128, value: ipv6(text) }
  throw invalid(part, text === '' ? 'a range has two ends' : `${text} is not an IP address`)
}

const ipv4 = (text: string): bigint => text.split('.').reduce((value, byte) => value * 256n + BigInt(byte), 0n)

function ipv6(text: string): bigint {
  const embedded = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  if (embedded !== null) {
    const low = ipv4(embedded[2] ?? '')
    return ipv6(`${embedded[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`)
  }
  const [head = [], tail = []] = text.split('::').map((half) => half.split(':').filter((group) => group !== ''))
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => '0')
  return [...head, ...zeros, ...tail].reduce((value, group) => value * 65536n + BigInt(`0x${group}`), 0n)
}

function textOf({ bits, value }: Address): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.')
  const groups = Array.from({ length: 8 }, (_, index) => ((value >> BigInt(112 - index * 16)) & 0xffffn).toString(16))
  return shortened(groups)
}

/** The form of RFC 5952: the longest run of zeros, the first of equals, becomes `::`. */
function shortened(groups: readonly string[]): string {
  const runs = [...groups.join(':').matchAll(/\b0(?::0)+\b/g)].map(([run]) => run)
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '')
  const text = groups.join(':')
  if (longest === '') return text
  const at = text.search(new RegExp(`\\b${longest}\\b`))
  const before = text.slice(0, at).replace(/:$/, '')
  return `${before}::${text.slice(at + longest.length).replace(/^:/, '')}`
}

const invalid = (part: string, reason: string): Error => hostRangeErrors.HOST_RANGE_INVALID({ part, reason })

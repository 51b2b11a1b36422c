import { BlockList, isIP } from 'node:net'
import { errors } from '../errors.ts'

/** One subnet of a comma-separated pair. */
interface Subnet {
  readonly field: string
  readonly text: string
  readonly base: string
  readonly family: 'ipv4' | 'ipv6'
  readonly block: BlockList
}

/** An address of the site's own network, by the name of its host. */
export interface Taken {
  readonly host: string
  readonly address: string
}

/**
 * Pods, Services and hosts need networks of their own.
 * @throws SUBNET_INVALID, SUBNETS_OVERLAP
 */
export function checkSubnets(fields: Readonly<Record<string, string>>, taken: readonly Taken[]): void {
  const subnets = Object.entries(fields).flatMap(([field, value]) => subnetsOf(field, value))
  for (const [index, one] of subnets.entries()) {
    for (const other of subnets.slice(index + 1)) {
      if (one.field !== other.field && overlap(one, other))
        throw errors.SUBNETS_OVERLAP({ one: textOf(one), other: textOf(other) })
    }
    for (const { host, address } of taken) {
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
      if (isIP(address) !== 0 && one.block.check(address, family)) {
        throw errors.SUBNETS_OVERLAP({ one: textOf(one), other: `the address ${address} of ${host}` })
      }
    }
  }
}

const textOf = ({ field, text }: Subnet) => `${field} ${text}`

const overlap = (one: Subnet, other: Subnet) =>
  one.family === other.family && (one.block.check(other.base, other.family) || other.block.check(one.base, one.family))

function subnetsOf(field: string, value: string): readonly Subnet[] {
  return value.split(',').map((part) => {
    const text = part.trim()
    const [base = '', bits = ''] = text.split('/')
    const version = isIP(base)
    if (version === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (version === 4 ? 32 : 128)) {
      throw errors.SUBNET_INVALID({ field, value })
    }
    const family = version === 4 ? 'ipv4' : 'ipv6'
    const block = new BlockList()
    block.addSubnet(base, Number(bits), family)
    return { field, text, base, family, block }
  })
}

import { isMap, textOf, type Value } from './values.ts'

const widest = 1000

/** Go's Printf for the verbs that templates use: `%s %v %d %q %x %f %t %%`, with `-`, `0` and widths. */
export function printfText(format: string, values: readonly Value[]): string {
  let next = 0
  const text = format.replace(/%(-|0)?(\d+)?(?:\.(\d+))?(.)?/gs, (all, flag, width, digits, verb) => {
    if (verb === '%') return '%'
    if (next >= values.length) throw new Error(`${all} has no value`)
    const value = values[next++]
    if (Number(width ?? 0) > widest || Number(digits ?? 0) > 100) throw new Error(`${all} is too wide`)
    const plain = shown(value, verb, digits)
    if (plain === undefined) throw new Error(`${all} does not fit ${JSON.stringify(value)?.slice(0, 50)}`)
    if (flag === '-') return plain.padEnd(Number(width ?? 0))
    return plain.padStart(Number(width ?? 0), flag === '0' ? '0' : ' ')
  })
  if (next < values.length) throw new Error(`${values.length - next} more values than verbs`)
  return text
}

function shown(value: Value, verb: string | undefined, digits: string | undefined): string | undefined {
  switch (verb) {
    case 's':
    case 'v':
      return digits === undefined ? textOf(value) : textOf(value).slice(0, Number(digits))
    case 'q':
      return typeof value === 'string' ? JSON.stringify(value) : undefined
    case 'd':
      return Number.isSafeInteger(value) ? String(value) : undefined
    case 'f':
      return typeof value === 'number' ? value.toFixed(Number(digits ?? 6)) : undefined
    case 'x':
      if (typeof value === 'string') return Buffer.from(value).toString('hex')
      return Number.isSafeInteger(value) && !isMap(value) ? Number(value).toString(16) : undefined
    case 't':
      return typeof value === 'boolean' ? String(value) : undefined
    default:
      return undefined
  }
}

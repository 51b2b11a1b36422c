import { printfText } from './printf.ts'
import { entriesOf, isList, isMap, isTrue, textOf, type Value } from './values.ts'

/** What a function of templates does with its arguments. What it throws is told with its place. */
export type TemplateFunction = (...args: readonly Value[]) => Value

/** Says why an argument will not do. */
class Unfit extends Error {}

/** Largest text that a function makes, in characters: templates come from strangers, too. */
const longest = 8 * 1024 * 1024

/** Functions of Go's text/template, and the most used ones of docker and helm. `and` and `or` stop early; they are in `render.ts`. */
export const templateFunctions: Readonly<Record<string, TemplateFunction>> = {
  not: (value) => !isTrue(value),
  eq: (first, ...others) => {
    if (others.length === 0) throw new Unfit('it compares at least two values')
    return others.some((other) => equal(first, other))
  },
  ne: (a, b) => !equal(a, b),
  lt: (a, b) => order(a, b) < 0,
  le: (a, b) => order(a, b) <= 0,
  gt: (a, b) => order(a, b) > 0,
  ge: (a, b) => order(a, b) >= 0,
  len: (value) => {
    if (isList(value)) return value.length
    if (isMap(value)) return Object.keys(value).length
    return Buffer.byteLength(text(value))
  },
  index: (value, ...keys) => keys.reduce(at, value),
  slice: (value, from = 0, to = isList(value) ? value.length : text(value).length) => {
    const [start, end] = [whole(from), whole(to)]
    const size = isList(value) ? value.length : text(value).length
    if (start > end || end > size) throw new Unfit(`${start} to ${end} is not within its ${size}`)
    return isList(value) ? value.slice(start, end) : text(value).slice(start, end)
  },
  print: (...values) => values.map((value) => textOf(there(value))).join(' '),
  println: (...values) => `${values.map((value) => textOf(there(value))).join(' ')}\n`,
  printf: (format, ...values) => printfText(text(format), values.map(there)),
  json: (value) => JSON.stringify(there(value)),
  toJson: (value) => JSON.stringify(there(value)),
  prettyJson: (value) => JSON.stringify(there(value), undefined, 2),
  // docker's order, and helm's
  join: (a, b) => (isList(a) ? joined(a, b) : joined(b, a)),
  split: (value, by) => text(value).split(text(by)),
  upper: (value) => text(value).toUpperCase(),
  lower: (value) => text(value).toLowerCase(),
  title: (value) => text(value).replace(/(^|\s)(\S)/g, (_all, before, letter) => before + letter.toUpperCase()),
  trim: (value) => text(value).trim(),
  trimPrefix: (prefix, value) =>
    text(value).startsWith(text(prefix)) ? text(value).slice(text(prefix).length) : value,
  trimSuffix: (suffix, value) =>
    text(value).endsWith(text(suffix)) ? text(value).slice(0, text(value).length - text(suffix).length) : value,
  hasPrefix: (prefix, value) => text(value).startsWith(text(prefix)),
  hasSuffix: (suffix, value) => text(value).endsWith(text(suffix)),
  contains: (part, value) => text(value).includes(text(part)),
  replace: (from, to, value) => short(text(value).replaceAll(text(from), text(to))),
  default: (otherwise, value) => (isTrue(value) ? value : otherwise),
  quote: (...values) => values.map((value) => JSON.stringify(textOf(there(value)))).join(' '),
  indent: (by, value) => indented(whole(by), text(value)),
  nindent: (by, value) => `\n${indented(whole(by), text(value))}`,
  b64enc: (value) => Buffer.from(text(value)).toString('base64'),
  b64dec: (value) => {
    const coded = text(value)
    const plain = Buffer.from(coded, 'base64')
    if (plain.toString('base64') !== coded) throw new Unfit('it is no base64')
    return plain.toString('utf8')
  },
  keys: (value) => (isMap(value) ? entriesOf(value).map(([key]) => key) : missing('a map', value)),
}

/** Refuses what is not there. */
function there(value: Value): Value {
  return value === undefined || value === null ? missing('a value', value) : value
}

function text(value: Value): string {
  const given = there(value)
  return isList(given) || isMap(given) ? missing('a text', value) : String(given)
}

function whole(value: Value): number {
  return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : missing('a whole number', value)
}

function at(value: Value, key: Value): Value {
  if (isMap(value)) return Object.hasOwn(value, text(key)) ? value[text(key)] : ''
  const list = isList(value) ? value : missing('a list or a map', value)
  const index = whole(key)
  if (index >= list.length) throw new Unfit(`there is no ${index} in a list of ${list.length}`)
  return list[index]
}

function joined(list: Value, by: Value): string {
  const all = isList(list) ? list : missing('a list', list)
  return short(all.map((one) => textOf(one)).join(text(by)))
}

function indented(by: number, lines: string): string {
  if (by > 1000) throw new Unfit('nobody indents that far')
  return short(lines.replace(/^/gm, ' '.repeat(by)))
}

/** Go compares texts, numbers and booleans, each with its like. */
function equal(a: Value, b: Value): boolean {
  if (there(a) === there(b)) return true
  if (isList(a) || isMap(a) || typeof a !== typeof b)
    throw new Unfit(`${kindOf(a)} and ${kindOf(b)} cannot be compared`)
  return false
}

function order(a: Value, b: Value): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : Number(a > b)
  throw new Unfit(`${kindOf(a)} and ${kindOf(b)} have no order`)
}

function short(value: string): string {
  if (value.length > longest) throw new Unfit(`it makes more than ${longest} characters`)
  return value
}

function missing(what: string, value: Value): never {
  throw new Unfit(`it wants ${what}, and gets ${kindOf(value)}`)
}

function kindOf(value: Value): string {
  if (value === undefined || value === null) return 'nothing'
  if (isList(value)) return 'a list'
  if (isMap(value)) return 'a map'
  return typeof value === 'string' ? 'a text' : `a ${typeof value}`
}

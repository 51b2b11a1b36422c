import { templateErrors } from './errors.ts'
import type { At } from './tree.ts'

/** A piece of a template: text outside of actions, or what stands in one. */
export type Token = { readonly at: At } & (
  | { readonly kind: 'text' | 'field' | 'variable' | 'word' | 'mark'; readonly text: string }
  | { readonly kind: 'literal'; readonly value: string | number }
  | { readonly kind: 'open' | 'close' | 'dot' }
  /** Between words; tells `.A .B` from `.A.B`. */
  | { readonly kind: 'blank' }
)

/** Most characters of a template. */
const longest = 1024 * 1024
const maxTokens = 100_000

const patterns = {
  blank: /[ \t\r\n]+/y,
  field: /\.([\p{L}_][\p{L}\p{N}_]*)/uy,
  variable: /\$[\p{L}\p{N}_]*/uy,
  number: /0x[0-9a-fA-F]+|[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y,
  word: /[\p{L}_][\p{L}\p{N}_]*/uy,
  quoted: /"(?:[^"\\\n]|\\.)*"/y,
  raw: /`[^`]*`/y,
  character: /'(?:[^'\\\n]|\\.)'/y,
  mark: /:=|[=|(),]/y,
} as const

/** Cuts a Go template into tokens (text/template, "Text and spaces", "Actions"). @throws TEMPLATE_INVALID */
export function lexTemplate(text: string, name: string): Token[] {
  const tokens: Token[] = []
  const place = placesIn(text)
  const refuse = (index: number, reason: string): Error => {
    const { line, column } = place(index)
    return templateErrors.TEMPLATE_INVALID({ place: `${name}:${line}:${column}`, reason })
  }
  if (text.length > longest) throw refuse(0, `a template has at most ${longest} characters`)

  let index = 0
  let trimNext = false
  while (index < text.length) {
    const open = text.indexOf('{{', index)
    const end = open < 0 ? text.length : open
    const trims = open >= 0 && /^-[ \t\r\n]/.test(text.slice(open + 2, open + 4))
    let outside = text.slice(index, end)
    if (trimNext) outside = outside.trimStart()
    if (trims) outside = outside.trimEnd()
    if (outside !== '') tokens.push({ kind: 'text', text: outside, at: place(index) })
    if (open < 0) break
    ;({ index, trimNext } = action(open, open + (trims ? 3 : 2)))
    if (tokens.length > maxTokens) throw refuse(open, 'the template is too long')
  }
  return tokens

  function action(open: number, start: number): { index: number; trimNext: boolean } {
    const comment = /[ \t\r\n]*\/\*/y
    comment.lastIndex = start
    if (comment.test(text)) return commentEnd(open, comment.lastIndex)
    tokens.push({ kind: 'open', at: place(open) })
    for (let at = start; ; ) {
      const rest = text.slice(at, at + 5)
      const close = /^(?:[ \t\r\n]-)?\}\}/.exec(rest)?.[0]
      if (close !== undefined) {
        tokens.push({ kind: 'close', at: place(at) })
        return { index: at + close.length, trimNext: close.length > 2 }
      }
      if (at >= text.length) throw refuse(open, 'this "{{" is never closed with "}}"')
      at = token(at)
    }
  }

  function commentEnd(open: number, from: number): { index: number; trimNext: boolean } {
    const end = text.indexOf('*/', from)
    const close = end < 0 ? undefined : /^(?:[ \t\r\n]-)?\}\}/.exec(text.slice(end + 2, end + 6))?.[0]
    if (close === undefined) throw refuse(open, 'a comment is closed with "*/}}"')
    return { index: end + 2 + close.length, trimNext: close.length > 2 }
  }

  function token(index: number): number {
    const at = place(index)
    for (const [kind, pattern] of Object.entries(patterns) as [keyof typeof patterns, RegExp][]) {
      pattern.lastIndex = index
      const found = pattern.exec(text)
      if (found === null) continue
      const [whole, inner = ''] = found
      if (kind === 'blank') tokens.push({ kind, at })
      else if (kind === 'field') tokens.push({ kind, text: inner, at })
      else if (kind === 'quoted' || kind === 'raw' || kind === 'character' || kind === 'number')
        tokens.push({ kind: 'literal', value: literalOf(kind, whole, index), at })
      else tokens.push({ kind, text: whole, at })
      return index + whole.length
    }
    if (text[index] === '.') {
      tokens.push({ kind: 'dot', at })
      return index + 1
    }
    if (/["'`]/.test(text[index] ?? '')) throw refuse(index, 'this text is not closed')
    throw refuse(index, `"${text[index]}" makes no sense here`)
  }

  function literalOf(kind: 'quoted' | 'raw' | 'character' | 'number', whole: string, index: number): string | number {
    if (kind === 'number') return Number(whole)
    if (kind === 'raw') return whole.slice(1, -1)
    const value = unquoted(whole.slice(1, -1))
    if (value === undefined) throw refuse(index, `${whole} has an escape that is not known`)
    return kind === 'character' ? (value.codePointAt(0) ?? 0) : value
  }
}

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '\\': '\\',
  '"': '"',
  "'": "'",
  a: '\u0007',
  b: '\b',
  f: '\f',
  v: '\v',
}

/** What an interpreted string of Go means; undefined: it has an escape that Go does not know. */
function unquoted(text: string): string | undefined {
  let known = true
  const value = text.replace(/\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))/gs, (_all, byte, unit, letter) => {
    if (letter === undefined) return String.fromCodePoint(Number.parseInt(byte ?? unit, 16))
    known &&= escapes[letter] !== undefined
    return escapes[letter] ?? ''
  })
  return known ? value : undefined
}

/** Line and column of an index, found without reading the text again for each. */
function placesIn(text: string): (index: number) => At {
  const starts = [0]
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) starts.push(end + 1)
  return (index) => {
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((starts[middle] ?? 0) <= index) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: index - (starts[low] ?? 0) + 1 }
  }
}

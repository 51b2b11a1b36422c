import { type KubefileText, problemAt } from './errors.ts'
import type { Part, Variable, Variables, Word } from './words.ts'

/**
 * The word's text with its variables put in.
 * @throws KUBEFILE_INVALID for a variable that nobody has declared, or that must have a value and has none
 */
export function expand(word: Pick<Word, 'parts'>, variables: Variables, source: KubefileText): string {
  return word.parts.map((part) => ('text' in part ? part.text : textOf(part, variables, source))).join('')
}

function textOf({ variable, at, operation }: Variable, variables: Variables, source: KubefileText): string {
  const value = variables(variable)
  const { operator, parts } = operation ?? { operator: undefined, parts: [] }
  const inner = () => expand({ parts }, variables, source)
  const absent = value === undefined || (value === '' && operator?.startsWith(':') === true)
  switch (operator) {
    case ':-':
    case '-':
      return absent ? inner() : value
    case ':+':
    case '+':
      return absent ? '' : inner()
    case ':?':
    case '?':
      if (!absent) return value
      throw problemAt(
        source,
        at,
        `${variable}: ${inner() || 'it has no value'}`,
        `Give it with --build-arg ${variable}=…, where ARG declares it.`,
      )
  }
  if (value === undefined) {
    throw problemAt(
      source,
      at,
      `The variable ${variable} is not declared.`,
      `Declare it above with ARG ${variable}=… or ENV, give it a value here with \${${variable}:-…}, or write \\$ for a plain dollar.`,
    )
  }
  return operator === undefined ? value : without(value, operator, patternOf(parts, variables, source))
}

/** Takes the shortest (`#`, `%`) or longest (`##`, `%%`) match away from the beginning (`#`) or the end (`%`). */
function without(value: string, operator: '#' | '##' | '%' | '%%', pattern: RegExp): string {
  const lengths = Array.from({ length: value.length + 1 }, (_, length) => length)
  if (operator.length === 2) lengths.reverse()
  const atEnd = operator.startsWith('%')
  for (const length of lengths) {
    const cut = atEnd ? value.length - length : length
    const [head, tail] = [value.slice(0, cut), value.slice(cut)]
    if (pattern.test(atEnd ? tail : head)) return atEnd ? head : tail
  }
  return value
}

/** `*` and `?` outside of quotes stand for others. */
function patternOf(parts: readonly Part[], variables: Variables, source: KubefileText): RegExp {
  const texts = parts.map((part) => {
    const text = expand({ parts: [part] }, variables, source)
    const literal = text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
    return 'text' in part && part.quoted ? literal : literal.replaceAll('\\*', '.*').replaceAll('\\?', '.')
  })
  return new RegExp(`^${texts.join('')}$`, 's')
}

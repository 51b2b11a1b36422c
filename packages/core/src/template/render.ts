import { templateErrors } from './errors.ts'
import { type TemplateFunction, templateFunctions } from './functions.ts'
import { parseTemplate } from './parse.ts'
import type { At, Block, Command, Node, Pipe, Word } from './tree.ts'
import { entriesOf, isList, isMap, isTrue, textOf, type Value } from './values.ts'

/** How a template is rendered. */
export interface RenderOptions {
  /** What `.` and `$` are: JSON. */
  readonly data: Value
  /** For messages: where the template stands. */
  readonly name: string
  /** Beside those of Go, docker and helm. */
  readonly functions?: Readonly<Record<string, TemplateFunction>>
  /** `.Digest` finds `digest` as well, and `.ID` `id`: Go writes exported fields so. */
  readonly goFields?: boolean
}

/** Templates may come from strangers: none works for ever, or fills the memory. */
const mostSteps = 1_000_000
const longest = 16 * 1024 * 1024

/**
 * Renders a subset of Go's text/template (docs/reference/templates.md). A field that is not there is refused when it is printed; in `if`, `with`,
 * `or`, `and`, `not` and `default` it is false.
 * @throws TEMPLATE_INVALID with line and column
 */
export function renderTemplate(text: string, options: RenderOptions): string {
  return new Renderer(options).render(parseTemplate(text, options.name))
}

type Scope = Map<string, Value>
/** What a `break` or a `continue` ends. */
type Jump = 'break' | 'continue' | undefined

class Renderer {
  readonly #options: RenderOptions
  readonly #functions: Readonly<Record<string, TemplateFunction>>
  readonly #pieces: string[] = []
  #length = 0
  #steps = 0

  constructor(options: RenderOptions) {
    this.#options = options
    this.#functions = { ...templateFunctions, ...options.functions }
  }

  render(block: Block): string {
    const { data } = this.#options
    this.#block(block, data, [new Map([['$', data]])])
    return this.#pieces.join('')
  }

  #block(nodes: Block, dot: Value, outer: readonly Scope[]): Jump {
    const scopes = [...outer, new Map()]
    for (const node of nodes) {
      const jump = this.#node(node, dot, scopes)
      if (jump !== undefined) return jump
    }
    return undefined
  }

  #node(node: Node, dot: Value, scopes: readonly Scope[]): Jump {
    switch (node.kind) {
      case 'text':
        this.#write(node.text, { line: 1, column: 1 })
        return undefined
      case 'print':
        this.#print(node.pipe, dot, scopes)
        return undefined
      case 'break':
      case 'continue':
        return node.kind
      case 'range':
        return this.#range(node, dot, scopes)
      default: {
        const within = [...scopes, new Map()]
        const value = this.#pipe(node.pipe, dot, within)
        const chosen = isTrue(value) ? node.then : node.otherwise
        return this.#block(chosen, node.kind === 'with' && isTrue(value) ? value : dot, within)
      }
    }
  }

  #print(pipe: Pipe, dot: Value, scopes: readonly Scope[]): void {
    const value = this.#pipe(pipe, dot, scopes)
    if (pipe.variables.length > 0) return
    if (value === undefined || value === null) throw this.#refuse(pipe.at, `${described(pipe)} is not there`)
    this.#write(textOf(value), pipe.at)
  }

  #range({ pipe, then, otherwise }: Extract<Node, { kind: 'range' }>, dot: Value, scopes: readonly Scope[]): Jump {
    const value = this.#pipe({ ...pipe, variables: [] }, dot, scopes)
    if (isTrue(value) && !isList(value) && !isMap(value))
      throw this.#refuse(pipe.at, 'range walks lists and maps alone')
    const items: readonly (readonly [Value, Value])[] = isList(value)
      ? value.map((one, index) => [index, one] as const)
      : isMap(value)
        ? entriesOf(value)
        : []
    if (items.length === 0) return this.#block(otherwise, dot, scopes)
    for (const [key, one] of items) {
      const own: Scope = new Map()
      const [first, second] = pipe.variables
      if (second !== undefined) own.set(first ?? '', key).set(second, one)
      else if (first !== undefined) own.set(first, one)
      if (this.#block(then, one, [...scopes, own]) === 'break') break
    }
    return undefined
  }

  #pipe(pipe: Pipe, dot: Value, scopes: readonly Scope[]): Value {
    let value: Value
    for (const [at, command] of pipe.commands.entries())
      value = this.#command(command, dot, scopes, at === 0 ? [] : [value])
    for (const name of pipe.variables) {
      const scope = pipe.assigns ? scopes.findLast((one) => one.has(name)) : scopes.at(-1)
      scope?.set(name, value)
    }
    return value
  }

  #command({ at, words: [first, ...rest] }: Command, dot: Value, scopes: readonly Scope[], piped: Value[]): Value {
    this.#step(at)
    if (first?.kind !== 'function') {
      const surplus = rest[0]?.at ?? (piped.length > 0 ? at : undefined)
      if (surplus !== undefined) throw this.#refuse(surplus, 'only a function takes arguments')
      return first === undefined ? undefined : this.#word(first, dot, scopes)
    }
    const { name } = first
    const later = rest.map((word) => () => this.#word(word, dot, scopes))
    const args = [...later, ...piped.map((value) => () => value)]
    if (name === 'or' || name === 'and') return this.#early(name, args, at)
    const call = Object.hasOwn(this.#functions, name) ? this.#functions[name] : undefined
    if (call === undefined) throw this.#refuse(first.at, `there is no function "${name}"`)
    const values = args.map((arg) => arg())
    try {
      return call(...values)
    } catch (error) {
      throw this.#refuse(first.at, `${name}: ${(error as Error).message}`)
    }
  }

  /** `or`: the first that is true; `and`: the first that is false; else the last. What comes after is not looked at. */
  #early(name: 'or' | 'and', args: readonly (() => Value)[], at: At): Value {
    if (args.length === 0) throw this.#refuse(at, `"${name}" wants arguments`)
    let value: Value
    for (const arg of args) {
      value = arg()
      if (isTrue(value) === (name === 'or')) return value
    }
    return value
  }

  #word(word: Word, dot: Value, scopes: readonly Scope[]): Value {
    if (word.kind === 'literal') return word.value
    if (word.kind === 'function') return this.#command({ at: word.at, words: [word] }, dot, scopes, [])
    const { of } = word
    let value: Value
    if (of === 'dot') value = dot
    else if ('variable' in of) value = scopes.findLast((scope) => scope.has(of.variable))?.get(of.variable)
    else value = this.#pipe(of, dot, [...scopes, new Map()])
    for (const name of word.names) value = this.#field(value, name, word.at)
    return value
  }

  #field(value: Value, name: string, at: At): Value {
    if (value === undefined || value === null) return undefined
    if (!isMap(value)) throw this.#refuse(at, `.${name}: only a map has fields`)
    if (Object.hasOwn(value, name)) return value[name]
    const inGo = /^[A-Z]+$/.test(name) ? name.toLowerCase() : `${name[0]?.toLowerCase()}${name.slice(1)}`
    return this.#options.goFields === true && Object.hasOwn(value, inGo) ? value[inGo] : undefined
  }

  #write(text: string, at: At): void {
    this.#step(at)
    this.#length += text.length
    if (this.#length > longest) throw this.#refuse(at, `it makes more than ${longest} characters`)
    this.#pieces.push(text)
  }

  #step(at: At): void {
    this.#steps++
    if (this.#steps > mostSteps) throw this.#refuse(at, 'it works for too long')
  }

  #refuse({ line, column }: At, reason: string): Error {
    return templateErrors.TEMPLATE_INVALID({ place: `${this.#options.name}:${line}:${column}`, reason })
  }
}

/** What a pipe reads, for messages: `.Port`. */
function described({ commands }: Pipe): string {
  const word = commands.at(-1)?.words[0]
  if (word?.kind !== 'fields') return word?.kind === 'function' ? `what "${word.name}" gives` : 'this value'
  const of = word.of === 'dot' ? '' : 'variable' in word.of ? word.of.variable : '(…)'
  return `${of}.${word.names.join('.')}`
}

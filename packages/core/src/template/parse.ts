import { templateErrors } from './errors.ts'
import { lexTemplate, type Token } from './lex.ts'
import type { At, Block, Command, Node, Pipe, Word } from './tree.ts'

/** Far deeper than anybody nests blocks or brackets. */
const deepest = 100
/** Actions of Go that make no sense in a single template. */
const refused = new Set(['define', 'template', 'block'])

/** Reads a Go template. Functions are looked up when it is rendered. @throws TEMPLATE_INVALID with line and column */
export function parseTemplate(text: string, name: string): Block {
  return new Parser(lexTemplate(text, name), name).template()
}

type BlockWord = 'if' | 'with' | 'range'
const isBlockWord = (text: string): text is BlockWord => ['if', 'with', 'range'].includes(text)

class Parser {
  readonly #tokens: readonly Token[]
  readonly #name: string
  #next = 0
  #depth = 0
  #loops = 0
  /** Variables in scope, so that a misspelt one is told before anything is printed. */
  #variables: readonly string[] = ['$']

  constructor(tokens: readonly Token[], name: string) {
    this.#tokens = tokens
    this.#name = name
  }

  template(): Block {
    const { nodes, end } = this.#block()
    if (end !== undefined) throw this.#refuse(end.at, `this "${end.word}" belongs to no if, with or range`)
    return nodes
  }

  /** Nodes up to an `else` or `end`, or the end of the template. */
  #block(): { readonly nodes: Block; readonly end?: { readonly word: 'else' | 'end'; readonly at: At } } {
    const nodes: Node[] = []
    for (let token = this.#take(); token !== undefined; token = this.#take()) {
      if (token.kind === 'text') nodes.push({ kind: 'text', text: token.text })
      else {
        const word = this.#keyword()
        if (word === 'else' || word === 'end') return { nodes, end: { word, at: token.at } }
        const node = this.#action(word, token.at)
        if (node !== undefined) nodes.push(node)
      }
    }
    return { nodes }
  }

  /** The word that begins an action, when it is none of a function. */
  #keyword(): string | undefined {
    this.#skipBlank()
    const token = this.#peek()
    if (token?.kind !== 'word') return undefined
    const known = isBlockWord(token.text) || refused.has(token.text) || /^(?:else|end|break|continue)$/.test(token.text)
    if (!known) return undefined
    this.#next++
    return token.text
  }

  #action(word: string | undefined, at: At): Node | undefined {
    if (word === undefined) {
      const pipe = this.#pipe('close')
      return { kind: 'print', pipe }
    }
    if (refused.has(word)) throw this.#refuse(at, `"${word}" is not supported`)
    if (word === 'break' || word === 'continue') {
      if (this.#loops === 0) throw this.#refuse(at, `"${word}" belongs into a range`)
      this.#close()
      return { kind: word }
    }
    return this.#branch(word as BlockWord, at)
  }

  #branch(kind: BlockWord, at: At): Node {
    const outer = this.#variables
    this.#deeper(at)
    const pipe = this.#pipe('close', kind === 'range')
    if (kind === 'range') this.#loops++
    const { nodes: then, end } = this.#block()
    if (kind === 'range') this.#loops--
    if (end === undefined) throw this.#refuse(at, `this "${kind}" has no "end"`)
    const otherwise = end.word === 'else' ? this.#otherwise(kind, at) : []
    if (end.word === 'end') this.#close()
    this.#variables = outer
    this.#depth--
    return { kind, pipe, then, otherwise }
  }

  /** After `else`: its block, or `else if` and `else with`, whose `end` ends both. */
  #otherwise(kind: BlockWord, at: At): Block {
    const word = this.#keyword()
    if (word === 'if' || word === 'with') return [this.#branch(word, at)]
    this.#close()
    const { nodes, end } = this.#block()
    if (end?.word !== 'end') throw this.#refuse(end?.at ?? at, `this "${kind}" has ${end ? 'two "else"' : 'no "end"'}`)
    this.#close()
    return nodes
  }

  #pipe(until: 'close' | ')', pairs = false): Pipe {
    this.#skipBlank()
    const at = this.#at()
    const { variables, assigns } = this.#declaration(pairs)
    const commands: Command[] = []
    for (;;) {
      const command = this.#command()
      if (command.words.length === 0) throw this.#refuse(this.#at(), 'a value is missing here')
      commands.push(command)
      const token = this.#take()
      if (token?.kind === 'close' && until === 'close') break
      if (token?.kind === 'mark' && token.text === ')' && until === ')') break
      if (token?.kind !== 'mark' || token.text !== '|')
        throw this.#refuse(token?.at ?? at, until === ')' ? 'a ")" is missing' : 'this makes no sense here')
    }
    if (!assigns) this.#variables = [...this.#variables, ...variables]
    return { at, variables, assigns, commands }
  }

  /** `$x :=`, `$x =`, and of range `$i, $x :=`. */
  #declaration(pairs: boolean): Pick<Pipe, 'variables' | 'assigns'> {
    const start = this.#next
    const variables: string[] = []
    for (let token = this.#take(); token?.kind === 'variable'; token = this.#take()) {
      variables.push(token.text)
      this.#skipBlank()
      const mark = this.#take()
      if (mark?.kind !== 'mark') break
      if (mark.text === ',' && pairs && variables.length === 1) this.#skipBlank()
      else if (mark.text === ':=') return { variables, assigns: false }
      else if (mark.text === '=') {
        for (const name of variables) this.#known(name, mark.at)
        return { variables, assigns: true }
      } else break
    }
    this.#next = start // it was no declaration
    return { variables: [], assigns: false }
  }

  #command(): Command {
    this.#skipBlank()
    const at = this.#at()
    const words: Word[] = []
    for (;;) {
      const word = this.#word()
      if (word === undefined) return { at, words }
      words.push(word)
      if (!this.#skipBlank() && this.#startsWord()) throw this.#refuse(this.#at(), 'a blank is missing here')
    }
  }

  #word(): Word | undefined {
    const token = this.#peek()
    if (token === undefined) return undefined
    const { at } = token
    switch (token.kind) {
      case 'literal':
        this.#next++
        return { kind: 'literal', value: token.value, at }
      case 'word': {
        this.#next++
        if (token.text === 'true' || token.text === 'false')
          return { kind: 'literal', value: token.text === 'true', at }
        return { kind: 'function', name: token.text, at }
      }
      case 'dot':
        this.#next++
        return { kind: 'fields', of: 'dot', names: [], at }
      case 'field':
        return { kind: 'fields', of: 'dot', names: this.#fields(), at }
      case 'variable':
        this.#next++
        this.#known(token.text, at)
        return { kind: 'fields', of: { variable: token.text }, names: this.#fields(), at }
      case 'mark': {
        if (token.text !== '(') return undefined
        this.#next++
        this.#deeper(at)
        const pipe = this.#pipe(')')
        this.#depth--
        return { kind: 'fields', of: pipe, names: this.#fields(), at }
      }
      default:
        return undefined
    }
  }

  #fields(): string[] {
    const names: string[] = []
    for (let token = this.#peek(); token?.kind === 'field'; token = this.#peek()) {
      names.push(token.text)
      this.#next++
    }
    return names
  }

  #known(name: string, at: At): void {
    if (!this.#variables.includes(name)) throw this.#refuse(at, `there is no variable ${name} here`)
  }

  #startsWord(): boolean {
    const token = this.#peek()
    return token !== undefined && (token.kind !== 'mark' || token.text === '(') && token.kind !== 'close'
  }

  #close(): void {
    this.#skipBlank()
    const token = this.#take()
    if (token?.kind !== 'close') throw this.#refuse(token?.at ?? this.#at(), 'nothing more belongs here')
  }

  #skipBlank(): boolean {
    if (this.#peek()?.kind !== 'blank') return false
    this.#next++
    return true
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#next]
  }

  #take(): Token | undefined {
    return this.#tokens[this.#next++]
  }

  #at(): At {
    return (this.#peek() ?? this.#tokens.at(-1))?.at ?? { line: 1, column: 1 }
  }

  #deeper(at: At): void {
    this.#depth++
    if (this.#depth > deepest) throw this.#refuse(at, 'it is nested too deeply')
  }

  #refuse({ line, column }: At, reason: string): Error {
    return templateErrors.TEMPLATE_INVALID({ place: `${this.#name}:${line}:${column}`, reason })
  }
}

/** What a template is made of, as the parser gives it and `render.ts` walks it. */

/** A place in the text of a template. */
export interface At {
  /** From 1. */
  readonly line: number
  /** From 1, in characters. */
  readonly column: number
}

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'print'; readonly pipe: Pipe }
  | { readonly kind: 'if' | 'with'; readonly pipe: Pipe; readonly then: Block; readonly otherwise: Block }
  | { readonly kind: 'range'; readonly pipe: Pipe; readonly then: Block; readonly otherwise: Block }
  | { readonly kind: 'break' | 'continue' }
export type Block = readonly Node[]

/** Commands, each of which gets what the one before it gave as its last argument. */
export interface Pipe {
  readonly at: At
  /** Variables that it sets: one, or two of `range`. */
  readonly variables: readonly string[]
  /** `=` rather than `:=`. */
  readonly assigns: boolean
  readonly commands: readonly Command[]
}

/** A function with its arguments, or a value alone. */
export interface Command {
  readonly at: At
  readonly words: readonly Word[]
}

export type Word = { readonly at: At } & (
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'literal'; readonly value: string | number | boolean }
  /** `.A.B` of the dot, of a variable (`$`, `$x`) or of a pipe in brackets. */
  | {
      readonly kind: 'fields'
      readonly of: 'dot' | { readonly variable: string } | Pipe
      readonly names: readonly string[]
    }
)

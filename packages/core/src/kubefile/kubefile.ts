/** A place in a Kubefile; lines and columns count from 1. */
export interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** One instruction as parsed, in the order of the file. The union's members stand in `instructions.ts`. */
export interface Kubefile {
  readonly file: string
  readonly instructions: readonly import('./instructions.ts').Instruction[]
}

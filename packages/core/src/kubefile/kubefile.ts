import type { Instruction } from './instructions.ts'

/** A place in a Kubefile; lines and columns count from 1. */
export interface Position {
  /** As it is shown to the user, e.g. `Kubefile`. */
  readonly file: string
  readonly line: number
  readonly column: number
}

/** A Kubefile as parsed. */
export interface Kubefile {
  readonly file: string
  /** What was read, so that an error found later can show its line. */
  readonly text: string
  /** In the order of the file. */
  readonly instructions: readonly Instruction[]
}

import type { Position } from './kubefile.ts'

/** What an instruction of a Kubefile means. */
export type Instruction = { readonly kind: string; readonly at: Position }

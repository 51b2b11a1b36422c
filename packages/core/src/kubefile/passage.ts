import type { KubefileText } from './errors.ts'
import type { Position } from './kubefile.ts'

/** A piece of a Kubefile whose characters know where they stand. */
export interface Passage {
  readonly source: KubefileText
  readonly text: string
  /** The character that takes the meaning from the next one: `\`, or what the directive `escape` says. */
  readonly escape: string
  /** Where a character of `text` stands in the file. */
  at(offset: number): Position
}

/** Where a stretch of the text begins: in the text, and in the file. */
export interface Segment {
  readonly offset: number
  readonly line: number
  readonly column: number
}

/** Text of which the segments say where it stands; `mark` is the escape character. */
export function passage(source: KubefileText, mark: string, text: string, segments: readonly Segment[]): Passage {
  return { source, text, escape: mark, at: (offset) => placeOf(source.file, segments, offset) }
}

function placeOf(file: string, segments: readonly Segment[], offset: number): Position {
  const segment = segments.findLast((one) => one.offset <= offset) ?? { offset: 0, line: 1, column: 1 }
  return { file, line: segment.line, column: segment.column + offset - segment.offset }
}

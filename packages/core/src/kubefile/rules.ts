import type { SealerError } from '../errors.ts'
import { type KubefileText, problemAt } from './errors.ts'
import type { Instruction } from './instructions.ts'

/** What must hold for the file as a whole, whatever its variables are. */
export function fileProblems(source: KubefileText, instructions: readonly Instruction[]): SealerError[] {
  return [...fromFirst(source, instructions), ...oneWayToLaunch(source, instructions)]
}

function fromFirst(source: KubefileText, instructions: readonly Instruction[]): SealerError[] {
  const first = instructions.find(({ kind }) => kind !== 'ARG')
  const remedy = 'Begin with FROM scratch, or FROM and the name of a base image; only ARG may stand before it.'
  if (first === undefined) {
    return [
      problemAt(
        source,
        instructions[0]?.at ?? { file: source.file, line: 1, column: 1 },
        'The Kubefile has no FROM.',
        remedy,
      ),
    ]
  }
  if (first.kind !== 'FROM') return [problemAt(source, first.at, `${first.kind} stands before FROM.`, remedy)]
  return instructions
    .filter((one) => one.kind === 'FROM' && one !== first)
    .map(({ at }) =>
      problemAt(
        source,
        at,
        'A second FROM is not supported.',
        'Build on one base image; put the other one’s files into the context and COPY them.',
      ),
    )
}

/** LAUNCH, CMDS and CMD exclude each other; the first two stand once. */
function oneWayToLaunch(source: KubefileText, instructions: readonly Instruction[]): SealerError[] {
  const launching = instructions.filter(({ kind }) => kind === 'LAUNCH' || kind === 'CMDS' || kind === 'CMD')
  const [first, ...others] = launching
  return others
    .filter(({ kind }) => kind !== first?.kind || kind !== 'CMD')
    .map(({ kind, at }) =>
      kind === first?.kind
        ? problemAt(source, at, `${kind} stands for the second time.`, `Write one ${kind} with everything in it.`)
        : problemAt(
            source,
            at,
            `${kind} cannot stand beside ${first?.kind} (line ${first?.at.line}).`,
            'Choose one of LAUNCH, CMDS and CMD; an app with APPCMDS can be part of LAUNCH.',
          ),
    )
}

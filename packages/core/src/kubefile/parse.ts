import { SealerError } from '../errors.ts'
import { buildErrors, type KubefileText, problemAt } from './errors.ts'
import type { Instruction } from './instructions.ts'
import type { Kubefile } from './kubefile.ts'
import { type LogicalLine, logicalLines } from './lines.ts'
import { nearest } from './nearest.ts'
import { readApp, readAppCmds, readAppEnv, readCmd, readCmds } from './read-apps.ts'
import { readAdd, readCopy, readFrom, readRun } from './read-files.ts'
import { readArg, readPairs, readText } from './read-values.ts'
import { type Reading, wordsOrJson } from './reading.ts'
import { fileProblems } from './rules.ts'

const readers: Readonly<Record<string, (reading: Reading) => Instruction>> = {
  FROM: readFrom,
  COPY: readCopy,
  ADD: readAdd,
  RUN: readRun,
  ARG: readArg,
  ENV: (reading) => ({ kind: 'ENV', at: reading.line.at(0), pairs: readPairs(reading) }),
  LABEL: (reading) => ({ kind: 'LABEL', at: reading.line.at(0), pairs: readPairs(reading) }),
  MAINTAINER: (reading) => ({ kind: 'MAINTAINER', at: reading.line.at(0), name: readText(reading, 'a name') }),
  APP: (reading) => readApp(reading, 'APP'),
  CNI: (reading) => readApp(reading, 'CNI'),
  CSI: (reading) => readApp(reading, 'CSI'),
  APPENV: readAppEnv,
  APPCMDS: readAppCmds,
  KUBEVERSION: (reading) => ({
    kind: 'KUBEVERSION',
    at: reading.line.at(0),
    range: readText(reading, 'a range of versions, e.g. >=1.26 <1.30'),
  }),
  /** Nothing behind it is an empty list: nothing is launched. */
  LAUNCH: (reading) => ({ kind: 'LAUNCH', at: reading.line.at(0), apps: wordsOrJson(reading, reading.start) }),
  CMDS: readCmds,
  CMD: readCmd,
}

/** Instructions of a Dockerfile that mean nothing here, with what to do instead. */
const foreign: Readonly<Record<string, string>> = {
  WORKDIR: 'Paths in a Kubefile start at the root of the image: write them out, e.g. COPY tool opt/tool.',
  USER: 'Everything in a cluster image belongs to root; use COPY --chown=UID:GID where it must not.',
  ENTRYPOINT: 'A cluster image has no process of its own; say what is launched with LAUNCH or CMDS.',
  EXPOSE: 'A cluster image opens no ports; a Service in a manifest does.',
  VOLUME: 'A cluster image has no volumes; a PersistentVolumeClaim in a manifest has.',
  ONBUILD: 'Write the instruction in the Kubefile that builds on this image.',
  SHELL: 'Name the shell in the command, e.g. CMDS ["bash -c \'…\'"].',
  HEALTHCHECK: 'Readiness is awaited from the apps themselves; put probes into the manifest.',
  STOPSIGNAL: 'A cluster image has no process of its own.',
}

/** Whoever has more of them gave another file than they meant. */
const mostProblems = 50

/**
 * Reads a Kubefile. `file` is the name that errors show. All problems are found at once, up to 50.
 * @throws KUBEFILE_INVALID; KUBEFILE_PROBLEMS when there are several
 */
export function parseKubefile(text: string, file = 'Kubefile'): Kubefile {
  const source: KubefileText = { file, text }
  const instructions: Instruction[] = []
  const problems: SealerError[] = []
  for (const line of logicalLines(source)) {
    if (problems.length === mostProblems) break
    try {
      instructions.push(readInstruction(line))
    } catch (error) {
      if (!SealerError.is(error)) throw error
      problems.push(error)
    }
  }
  if (problems.length === 0) problems.push(...fileProblems(source, instructions))
  const [first, ...others] = problems
  if (first === undefined) return { file, text, instructions }
  throw others.length === 0 ? first : buildErrors.KUBEFILE_PROBLEMS({ file, count: problems.length }, { problems })
}

function readInstruction(line: LogicalLine): Instruction {
  const keyword = /^\S+/.exec(line.text)?.[0] ?? ''
  const name = keyword.toUpperCase()
  const read = Object.hasOwn(readers, name) ? readers[name] : undefined
  if (read === undefined) throw unknown(line, keyword, name)
  return read({ line, keyword: name, start: keyword.length })
}

function unknown(line: LogicalLine, keyword: string, name: string): SealerError {
  const known = Object.keys(readers)
  const instead = Object.hasOwn(foreign, name) ? foreign[name] : undefined
  const similar = nearest(name, known)
  return problemAt(
    line.source,
    line.at(0),
    instead === undefined ? `There is no instruction ${keyword}.` : `${name} is not an instruction of a Kubefile.`,
    instead ?? (similar === undefined ? `The instructions are ${known.join(', ')}.` : `Did you mean ${similar}?`),
  )
}

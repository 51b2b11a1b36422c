import type { App, Instruction } from './instructions.ts'
import { pairsOf } from './read-values.ts'
import { jsonOf, type Reading, refuse, wordsOrJson } from './reading.ts'
import { firstWord, wordsOf } from './words.ts'

/** APP, CNI and CSI. @throws KUBEFILE_INVALID */
export function readApp(reading: Reading, kind: App['kind']): Instruction {
  const [name, ...sources] = wordsOrJson(reading, reading.start)
  if (name === undefined || sources.length === 0) {
    throw refuse(
      reading,
      reading.start,
      `${kind} needs a name and at least one source.`,
      `Write ${kind} NAME local://PATH…, with paths in the build context, or https:// addresses.`,
    )
  }
  return { kind, at: reading.line.at(0), name, sources }
}

/** APPENV. @throws KUBEFILE_INVALID */
export function readAppEnv(reading: Reading): Instruction {
  const [app, ...words] = wordsOf(reading.line, reading.start)
  if (app === undefined || words.length === 0) {
    throw refuse(
      reading,
      reading.start,
      'APPENV needs an app and at least one NAME=VALUE.',
      'Write APPENV APP NAME=VALUE.',
    )
  }
  return { kind: 'APPENV', at: reading.line.at(0), app, pairs: pairsOf(reading, words) }
}

/** APPCMDS. @throws KUBEFILE_INVALID */
export function readAppCmds(reading: Reading): Instruction {
  const usage = 'Write APPCMDS APP ["COMMAND", "ARGUMENT", …].'
  const app = firstWord(reading.line, reading.start)
  if (app === undefined) throw refuse(reading, reading.start, 'APPCMDS needs an app and a JSON array.', usage)
  const cmds = jsonOf(reading, app.end)
  if (cmds === undefined || cmds.length === 0) {
    throw refuse(reading, app.end, 'What APPCMDS runs must be a JSON array of strings that is not empty.', usage)
  }
  return { kind: 'APPCMDS', at: reading.line.at(0), app: app.word, cmds: cmds.map(({ text }) => text) }
}

/** CMDS. @throws KUBEFILE_INVALID */
export function readCmds(reading: Reading): Instruction {
  const cmds = jsonOf(reading, reading.start)
  if (cmds === undefined) {
    throw refuse(
      reading,
      reading.start,
      'CMDS takes a JSON array of whole commands.',
      'Write CMDS ["helm list -A", "kubectl get ns"].',
    )
  }
  return { kind: 'CMDS', at: reading.line.at(0), cmds: cmds.map(({ text }) => text) }
}

/** CMD. @throws KUBEFILE_INVALID */
export function readCmd(reading: Reading): Instruction {
  const cmd = reading.line.text.slice(reading.start).trim()
  if (cmd === '') throw refuse(reading, reading.start, 'CMD needs a command.', 'Write CMD kubectl apply -f manifests.')
  if (cmd.startsWith('['))
    throw refuse(
      reading,
      reading.start,
      'CMD takes one command as it is typed, not a JSON array.',
      'For several commands write CMDS ["…", "…"].',
    )
  return { kind: 'CMD', at: reading.line.at(0), cmd }
}

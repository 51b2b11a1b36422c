import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** What one run has taken. */
export interface Measured {
  readonly seconds: number
  /** MiB of the largest resident set. */
  readonly memory: number
}

const run = promisify(execFile)

/** A program under GNU time, which tells its memory. Not waited for synchronously: what the registry says has to be read meanwhile. */
export async function measured(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Measured> {
  const options = { env: { ...process.env, ...env }, maxBuffer: 64 * 1024 * 1024 }
  const { stderr } = await run('/usr/bin/time', ['-f', '\n%e %M', program, ...args], options)
  const [seconds = 0, memory = 0] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number)
  return { seconds, memory: memory / 1024 }
}

const bin = join(import.meta.dirname, '../../packages/cli/bin.js')

/** The built command in a home. */
export const sealer = (home: string, ...args: readonly string[]): Promise<Measured> =>
  measured(process.execPath, [bin, ...args], { SEALER_HOME: home })

/** Each in turn, so that both meet the same moods of the machine. */
export async function race(
  title: string,
  one: () => Promise<Measured>,
  { reference, other, rounds }: { reference: string; other: () => Promise<Measured>; rounds: number },
): Promise<void> {
  const ours: Measured[] = []
  const theirs: Measured[] = []
  for (let round = 0; round < rounds; round++) {
    theirs.push(await other())
    ours.push(await one())
  }
  const ratio = (median(ours) / median(theirs)).toFixed(2)
  console.log(`${title}: sealer ${shown(ours)}; ${reference} ${shown(theirs)}; ratio ${ratio}`)
}

const shown = (all: readonly Measured[]): string =>
  `${median(all)} s, ${Math.round(Math.max(...all.map(({ memory }) => memory)))} MiB`
const median = (all: readonly Measured[]): number =>
  all.map(({ seconds }) => seconds).sort((a, b) => a - b)[all.length >> 1] ?? 0

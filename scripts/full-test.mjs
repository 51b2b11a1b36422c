// npm test: everything that decides a landing, from a machine with Node, npm and root alone. Plain Node, no dependencies.
// Sets up, then checks, unit tests, the base image, and real clusters. The last line sums all counts.
//
// --yes   do not ask before setting up
import { parseArgs } from 'node:util'
import { baseImageParts } from './quickstart-parts.mjs'
import { runPhase } from './run-phase.mjs'
import { SetUpError, setUp } from './setup.mjs'

const { values } = parseArgs({ options: { yes: { type: 'boolean', default: false } } })
const typescript = ['--import', 'tsx', '--conditions=@sealer/source']

/** Each prints a line "N passed, N failed, N skipped" at its end, or counts as one test by its exit code. */
const phases = [
  { title: 'Checks', args: [...typescript, 'scripts/check.ts'], counts: true },
  { title: 'Unit tests', args: [...typescript, 'scripts/test.ts'], counts: true },
  { title: 'Parts of the base image', args: ['images/kubernetes/build.mjs', '--context-only'], counts: false },
  { title: 'Real hosts', args: [...typescript, 'scripts/test.ts', '--e2e', '--landing'], counts: true },
]

let stopped = false
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => (stopped = true)) // the phase ends by itself, and cleans up
const totals = { passed: 0, failed: 0, skipped: 0 }
try {
  const env = await setUp({ yes: values.yes, tests: true, further: baseImageParts() })
  for (const { title, args, counts } of phases) {
    if (stopped) break
    console.log(`\n##### ${title}`)
    const result = await runPhase(args, { env, counts })
    totals.passed += result.passed
    totals.failed += result.failed
    totals.skipped += result.skipped
  }
} catch (error) {
  console.log(error instanceof SetUpError ? error.message : error)
  totals.failed += 1
}
if (stopped) {
  console.log('Stopped.')
  totals.failed += 1
}
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`)
process.exitCode = totals.failed > 0 ? 1 : 0

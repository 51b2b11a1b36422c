// Runs one test file under uvu and sends its counts to scripts/test.ts. They come from uvu's queue, not from its printed
// summary or its exit code: both look fine after some failures.
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** What a finished test file reports. */
export interface Counts {
  readonly passed: number
  readonly failed: number
  /** One text for each skipped test: its name, which says why. */
  readonly skipped: readonly string[]
}
type RunSuite = () => Promise<[errors: string | true, passed: number, skipped: number, total: number]>
type Suite = ((...args: unknown[]) => void) & {
  before: { each(hook: (context: { __test__: string }) => void): void }
  after: { each(hook: (context: { __test__: string }) => void): void }
}

const [file = '', mode] = process.argv.slice(2)
const skipped: string[] = []
watchSuites()

const uvu = globalThis as { UVU_DEFER?: number; UVU_QUEUE?: [undefined, ...RunSuite[]][] }
const queue: [undefined, ...RunSuite[]] = [undefined]
uvu.UVU_DEFER = 1 // `.run()` queues and does not start
uvu.UVU_QUEUE = [queue]
process.once('disconnect', () => process.exit(1)) // the runner was stopped
process.channel?.unref()

await import(pathToFileURL(resolve(file)).href)

let passed = 0
let failed = 0
for (const runSuite of queue.slice(1) as RunSuite[]) {
  const [errors, good, , total] = await runSuite()
  if (errors !== true) console.error(errors)
  else if (good < total) console.error('A before/after hook threw, or a test threw something that is not an Error.')
  passed += good
  failed += total - good
}
const unexplained = skipped.filter((name) => name.trim() === '')
if (unexplained.length > 0) console.error('A skipped test says in its name why it is skipped.')
process.send?.({ passed, failed: failed + unexplained.length, skipped } satisfies Counts)

// Unreferenced: it fires only when the file left something open that keeps the process alive.
setTimeout(() => {
  console.error(`Left open: ${process.getActiveResourcesInfo().join(', ')}. Close it in test.after.`)
  process.exit(1)
}, 2_000).unref()

/** uvu counts a skipped test and forgets its name. Each suite is a function that gets `skip` assigned: here it is seen. */
function watchSuites(): void {
  Object.defineProperty(Function.prototype, 'skip', {
    configurable: true,
    set(this: Suite, skip: () => void) {
      const value = (name = '') => {
        skipped.push(name)
        skip()
      }
      Object.defineProperty(this, 'skip', { value })
      if (mode === '--names') printNames(this)
    },
  })
}

/** For tests that take minutes: says which one is running, and how long it took. */
function printNames(suite: Suite): void {
  let started = 0
  suite.before.each(({ __test__: name }) => {
    started = Date.now()
    console.log(`\n▸ ${name}`)
  })
  suite.after.each(({ __test__: name }) => {
    console.log(`\n◂ ${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`)
  })
}

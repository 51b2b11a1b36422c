// landing, time limit: 300 s
import { suite } from 'uvu'
import { type Killed, openKillLab, seeded, seedOfRun } from './support/kills.ts'

// One moment of each command; e2e/kills.e2e.ts takes fifty.
const test = suite('a few kills')
const random = seeded(seedOfRun())
let lab: Awaited<ReturnType<typeof openKillLab>>

test.before(async () => {
  lab = await openKillLab()
})
test.after(async () => await lab?.[Symbol.asyncDispose]())

for (const what of ['build', 'pull', 'push', 'load'] satisfies Killed[]) {
  test(`a ${what} that was killed is tried again`, async () => {
    await lab.kill(what, random())
  })
}

test.run()

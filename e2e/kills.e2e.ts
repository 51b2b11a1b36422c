// time limit: 1800 s
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Killed, openKillLab, seeded, seedOfRun } from './support/kills.ts'

const test = suite('fifty kills')
const random = seeded(seedOfRun())
let lab: Awaited<ReturnType<typeof openKillLab>>

test.before(async () => {
  lab = await openKillLab()
})
test.after(async () => await lab?.[Symbol.asyncDispose]())

const times: Readonly<Record<Killed, number>> = { build: 13, pull: 13, push: 12, load: 12 }
for (const [what, count] of Object.entries(times) as [Killed, number][]) {
  test(`${count} of ${what}: what was whole is not moved again, and the next try succeeds`, async () => {
    let amid = 0
    for (let round = 0; round < count; round++) if (await lab.kill(what, random())) amid++
    console.log(`${amid} of ${count} were killed amid their work`)
    assert.ok(amid >= count / 2, `only ${amid} of ${count} were killed amid their work`)
  })
}

test.run()

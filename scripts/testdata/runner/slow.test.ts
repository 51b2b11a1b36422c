import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { suite } from 'uvu'

const test = suite('slow')
test('outlives its limit, with a child that would live on', async () => {
  const child = spawn('sleep', ['600'])
  writeFileSync(process.env.SLEEPER_PID_FILE ?? '', String(child.pid))
  await new Promise<void>((ended) => child.on('exit', () => ended()))
})
test.run()

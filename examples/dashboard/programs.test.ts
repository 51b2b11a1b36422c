// time limit: 300 s
import { join } from 'node:path'
import { suite } from 'uvu'
import { goEnvironment } from '../../images/kubernetes/src/go.ts'
import { run } from '../../images/kubernetes/src/run.ts'
import { goBinary, hasGo } from '../../scripts/go-toolchain.mjs'

const test = suite('dashboard')

for (const tier of ['web', 'store']) {
  const name = `the Go tests of ${tier} pass`
  if (await hasGo()) {
    test(name, async () => {
      await run(await goBinary(), ['test', '.'], { cwd: join(import.meta.dirname, tier), env: goEnvironment({}) })
    })
  } else {
    test.skip(`${name}: this machine has no Go that is new enough`)
  }
}

test.run()

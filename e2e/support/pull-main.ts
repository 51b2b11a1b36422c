// Pulls an image into a home, in a process that a test can kill: pull-main.ts HOME NAME
import { systemClock } from '../../packages/core/src/clock.ts'
import { createImages } from '../../packages/core/src/images.ts'
import { silentLogger } from '../../packages/core/src/logger.ts'
import { createSecrets } from '../../packages/core/src/secrets.ts'

const [home = '', name = ''] = process.argv.slice(2)
const images = createImages({ home, secrets: createSecrets(), logger: silentLogger, clock: systemClock })
console.log((await images.pull(name)).digest)

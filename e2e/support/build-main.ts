// Builds a context in a process of its own, which another user may have or a test can kill: build-main.ts HOME CONTEXT
import { builtinPlugins } from '../../packages/core/src/builtin/index.ts'
import { systemClock } from '../../packages/core/src/clock.ts'
import { createHooks } from '../../packages/core/src/hooks.ts'
import { createImages } from '../../packages/core/src/images.ts'
import { buildImage } from '../../packages/core/src/lifecycles/build.ts'
import { silentLogger } from '../../packages/core/src/logger.ts'
import { createSecrets } from '../../packages/core/src/secrets.ts'

const [home = '', context = ''] = process.argv.slice(2)
const secrets = createSecrets()
const images = createImages({ home, secrets, logger: silentLogger, clock: systemClock })
const hooks = createHooks()
for (const plugin of builtinPlugins()) plugin.apply({ hooks })
const services = { home, hooks, images, secrets, logger: silentLogger, clock: systemClock }
const report = await buildImage({ context, tag: 'app:v1', onProgress: console.log }, services)
console.log(report.digest)

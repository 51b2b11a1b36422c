// Runs one command on a host in a process of its own, which a test can kill: command-main.ts SPEC COMMAND...
import { systemClock } from '../../packages/core/src/clock.ts'
import type { HostSpec } from '../../packages/core/src/hosts/host.ts'
import { createHostPool } from '../../packages/core/src/hosts/pool.ts'
import { silentLogger } from '../../packages/core/src/logger.ts'
import { createSecrets } from '../../packages/core/src/secrets.ts'

const [spec = '', ...argv] = process.argv.slice(2)
await using pool = createHostPool({
  secrets: createSecrets({ env: process.env }),
  logger: silentLogger,
  clock: systemClock,
  hostKeys: { kind: 'accept-new' },
  agent: '',
})
const host = pool.host(JSON.parse(spec) as HostSpec)
await host.run({ argv, onLine: console.log })

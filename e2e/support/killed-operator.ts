import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { HostSpec } from '../../packages/core/src/hosts/host.ts'

const main = new URL('command-main.ts', import.meta.url).pathname

/** Starts a command on a host, and kills the process that has started it as soon as the command has written a line. */
export async function killOperatorOf(
  spec: HostSpec,
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--conditions=@sealer/source', main, JSON.stringify(spec), ...argv],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } },
  )
  const [line] = await Promise.race([once(createInterface(child.stdout), 'line'), once(child, 'close')])
  if (typeof line !== 'string') throw new Error('the operator ended before the command had begun')
  child.kill('SIGKILL')
  await once(child, 'close')
}

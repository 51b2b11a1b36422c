import type { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import type { Dial } from '@sealer/core'
import { errors } from './errors.ts'
import type { Machine } from './machine.ts'

/** Seconds; a busy machine boots its hosts slowly. */
const patience = 120

/** Waits until the host's sshd greets. @throws LOCAL_HOST_FAILED with the last lines of its console */
export async function waitForSshd(machine: Machine, dial: Dial, signal?: AbortSignal): Promise<void> {
  const failed = async (reason: string) =>
    errors.LOCAL_HOST_FAILED({ host: machine.host.name, reason, console: await machine.console() })
  const end = performance.now() + patience * 1000
  for (;;) {
    const limit = AbortSignal.any([AbortSignal.timeout(2_000), ...(signal === undefined ? [] : [signal])])
    try {
      return await greeting(await dial(machine.host.address, 22, limit), limit)
    } catch {
      signal?.throwIfAborted()
    }
    if (!(await machine.isTended())) throw await failed('its machine has ended')
    if (performance.now() > end) throw await failed(`sshd does not answer after ${patience} s`)
    await setTimeout(50, undefined, { signal })
  }
}

async function greeting(socket: Duplex, limit: AbortSignal): Promise<void> {
  try {
    await new Promise<void>((heard, failed) => {
      limit.addEventListener('abort', () => failed(limit.reason), { once: true })
      socket.once('data', () => heard())
      socket.once('error', failed)
      socket.once('close', () => failed(new Error('closed')))
    })
  } finally {
    socket.destroy()
  }
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { Inlet } from '@sealer/core'
import { errors } from './errors.ts'
import { namespaceFile } from './layout.ts'

type Message = { readonly port: number } | { readonly failed: string } | { readonly accepted: true }

/**
 * Listens on an address inside a network namespace, through a child process that ends with this one.
 * @throws LOCAL_INLET_FAILED
 */
export async function openInlet(
  namespace: string,
  address: string,
  accept: (connection: Duplex) => void,
  signal: AbortSignal,
): Promise<Inlet> {
  signal.throwIfAborted()
  const program = fileURLToPath(new URL('./inlet.mjs', import.meta.url))
  const child = spawn('nsenter', [`--net=${namespaceFile(namespace)}`, process.execPath, program, address], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { PATH: process.env.PATH }, // NODE_OPTIONS would load into it what it does not need
  })
  const stop = () => void child.kill('SIGKILL')
  signal.addEventListener('abort', stop, { once: true })
  const close = async () => {
    signal.removeEventListener('abort', stop)
    await ended(child)
  }
  child.on('message', (message: Message, handle) => {
    if (!('accepted' in message) || !(handle instanceof Socket)) return
    handle.on('error', () => handle.destroy())
    accept(handle)
  })
  try {
    return { address, port: await listening(child, address), [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    signal.throwIfAborted()
    throw error
  }
}

async function listening(child: ChildProcess, address: string): Promise<number> {
  const refuse = (reason: string) => errors.LOCAL_INLET_FAILED({ address, reason })
  return await new Promise<number>((open, failed) => {
    child.once('error', (error) => failed(refuse(error.message)))
    child.once('exit', () => failed(refuse('the namespace of the cluster cannot be entered')))
    child.on('message', (message: Message) => {
      if ('port' in message) open(message.port)
      if ('failed' in message) failed(refuse(message.failed))
    })
  })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { sandboxErrors } from './errors.ts'

/** What name resolution finds in a sandbox: slirp4netns answers at this address with the machine's own resolver. */
export const resolverOfSandbox = 'nameserver 10.0.2.3\noptions edns0\n'

/**
 * Gives a network namespace a way out through a program without rights on the machine's network. It reaches what any user's program reaches, but
 * not the machine's loopback; link-local addresses (a cloud's metadata) are cut off by a route in the namespace.
 * @throws SANDBOX_NETWORK
 */
export async function wayOut(pid: number, signal: AbortSignal | undefined): Promise<AsyncDisposable> {
  const options = ['--configure', '--mtu=65520', '--disable-host-loopback', '--enable-sandbox', '--enable-seccomp']
  const paths = ['--ready-fd=3', '--netns-type=path', `--userns-path=/proc/${pid}/ns/user`, `/proc/${pid}/ns/net`]
  const child = spawn('slirp4netns', [...options, ...paths, 'tap0'], { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] })
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('close', () => resolve())
  })
  const stop = () => child.kill('SIGKILL')
  signal?.addEventListener('abort', stop, { once: true })
  let said = ''
  child.stderr?.on('data', (piece) => {
    said = (said + piece).slice(-2000)
  })
  const ready = await Promise.race([once(child.stdio[3] as Readable, 'data').then(() => true), ended.then(() => false)])
  const close = async () => {
    signal?.removeEventListener('abort', stop)
    stop()
    await ended
  }
  if (ready) return { [Symbol.asyncDispose]: close }
  await close()
  signal?.throwIfAborted()
  throw sandboxErrors.SANDBOX_NETWORK({ reason: said.trim().split('\n').slice(-3).join('; ') })
}

const proxyNames = ['http_proxy', 'https_proxy', 'ftp_proxy', 'all_proxy', 'no_proxy']

/** The proxies of this machine: they are passed to commands, and are part neither of the image nor of the cache's key. */
export function proxies(environment: NodeJS.ProcessEnv): Record<string, string> {
  const names = proxyNames.flatMap((name) => [name, name.toUpperCase()])
  return Object.fromEntries(names.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])))
}

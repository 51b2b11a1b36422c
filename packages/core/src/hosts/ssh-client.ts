import type { Client, ConnectConfig } from 'ssh2'
import ssh2 from 'ssh2' // only the default import is complete

/** Answers ssh2's question about a host key. Anything but a plain `true` refuses: a rejection, a throw, a truthy value. */
export function hostVerifier(trusted: (key: Buffer) => Promise<boolean>) {
  return (key: Buffer, answer: (ok: boolean) => void): void => {
    trusted(key).then(
      (ok) => answer(ok === true),
      () => answer(false),
    )
  }
}

/** The only place that connects. */
export async function connect(
  config: ConnectConfig,
  trusted: (key: Buffer) => Promise<boolean>,
  signal?: AbortSignal,
): Promise<Client> {
  signal?.throwIfAborted()
  const client = new ssh2.Client()
  const stop = () => client.destroy()
  signal?.addEventListener('abort', stop, { once: true })
  try {
    await new Promise<void>((ready, failed) => {
      // The listener stays: a later failure shows as `close` and must not end the process.
      client.on('ready', ready).on('error', failed)
      client.on('close', () => failed(signal?.reason ?? new Error('closed before it was ready')))
      client.connect({
        readyTimeout: 20_000,
        keepaliveInterval: 10_000,
        ...config,
        hostVerifier: hostVerifier(trusted),
      })
      client.setNoDelay(true) // at once: without it every small message waits for the other side's delayed ACK
    })
    return client
  } catch (error) {
    client.destroy()
    throw error
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

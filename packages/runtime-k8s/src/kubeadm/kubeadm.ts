import type { Host } from '@sealer/core'
import { pathWith, runFolder } from '../environment.ts'
import type { Site } from '../site.ts'

/** Process id of the kubeadm that works on a host, so that a run after a killed one can end it first. */
export const pidFile = `${runFolder}/kubeadm.pid`

/** What kubeadm answers to a question. */
export const kubeadmAnswer = async (
  host: Pick<Host, 'inquire'>,
  site: Pick<Site, 'bin'>,
  ...args: string[]
): Promise<string> =>
  (await host.inquire({ argv: [`${site.bin}/kubeadm`, ...args], env: pathWith(site.bin) })).stdout.trim()

/**
 * Runs a command of kubeadm with a configuration of its own, which may hold secrets: readable for root alone, gone afterwards. Gives what it
 * printed.
 */
export async function kubeadm(
  host: Host,
  site: Pick<Site, 'bin'>,
  args: readonly string[],
  config: string,
  signal: AbortSignal,
): Promise<string> {
  const path = `${runFolder}/kubeadm-${args[0]}.yaml`
  await host.run({ argv: ['mkdir', '-p', '-m', '700', runFolder] })
  await host.write(path, config, { mode: 0o600 })
  try {
    const run = [
      'sh',
      '-c',
      'echo $$ >"$1"; shift; exec "$@"',
      'sh',
      pidFile,
      `${site.bin}/kubeadm`,
      ...args,
      '--config',
      path,
    ]
    return (await host.run({ argv: run, env: pathWith(site.bin), signal })).stdout
  } finally {
    await host.exec('rm', '-f', path, pidFile)
  }
}

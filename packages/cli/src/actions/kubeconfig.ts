import { randomUUID } from 'node:crypto'
import { mkdir, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { KubeconfigFlags } from '../commands/kubectl.ts'
import { type CliContext, print } from '../context.ts'
import { mergedKubeconfig } from '../merge-kubeconfig.ts'
import { clusterName } from './cluster-name.ts'

/** Prints the kubeconfig as it is, or puts it into a file beside the clusters that are there. */
export async function kubeconfig(
  context: CliContext,
  named: string | undefined,
  { merge }: KubeconfigFlags,
): Promise<void> {
  const cluster = await clusterName(context, named)
  await using sealer = await context.openSealer({ cluster })
  const text = await sealer.kubeconfig(cluster, { signal: context.signal })
  if (merge === undefined) {
    context.terminal.stdout(text.endsWith('\n') ? text : `${text}\n`)
    return
  }
  const wanted =
    merge === true
      ? (context.env.KUBECONFIG?.split(':').find((path) => path !== '') ?? join(homedir(), '.kube/config'))
      : merge
  const file = await realpath(resolve(wanted)).catch(() => resolve(wanted))
  const before = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return undefined
  })
  await replace(file, mergedKubeconfig(before, text, cluster, file))
  print(
    context,
    { cluster, file, context: cluster },
    () => `${file} has the context "${cluster}" now, and it is the current one.`,
  )
}

/** Whole or not at all, and readable for its owner alone: it holds the administrator's key. */
async function replace(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const beside = `${file}.${randomUUID()}`
  try {
    await writeFile(beside, text, { mode: 0o600, flag: 'wx' })
    await rename(beside, file)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
}

import { createHash } from 'node:crypto'
import { type Kubectl, type KubeObject, objectsOf } from './kubectl.ts'

/**
 * What was launched in a cluster: a Secret in kube-system, for each app a digest over all that its launch depends on. A Secret, since
 * whoever reads such a digest can try short passwords of the app's environment against it.
 */
const record = { namespace: 'kube-system', name: 'sealer-launched' }

/** App → digest of its last launch; empty where there is no cluster yet, or it does not answer. */
export async function launchedApps(kubectl: Kubectl): Promise<ReadonlyMap<string, string>> {
  try {
    const answer = await kubectl([
      'get',
      'secret',
      '-n',
      record.namespace,
      record.name,
      '--ignore-not-found',
      '-o',
      'json',
    ])
    const [secret] = objectsOf(answer) as readonly (KubeObject & { readonly data?: Readonly<Record<string, string>> })[]
    return new Map(
      Object.entries(secret?.data ?? {}).map(([app, text]) => [app, Buffer.from(text, 'base64').toString()]),
    )
  } catch {
    return new Map()
  }
}

/** Notes that an app was launched. Each app is a field owner of its own, so that entries of others stay. */
export async function noteLaunched(kubectl: Kubectl, app: string, digest: string): Promise<void> {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: record,
    data: { [app]: Buffer.from(digest).toString('base64') },
  }
  await kubectl(
    ['apply', '--server-side', '--force-conflicts', `--field-manager=sealer-${app}`, '-f', '-'],
    JSON.stringify(secret),
  )
}

/** Changes as soon as anything does that a launch depends on. */
export const launchDigest = (...inputs: readonly unknown[]): string =>
  `sha256:${createHash('sha256').update(JSON.stringify(inputs)).digest('hex')}`

import type { Command, Output } from '../hosts/host.ts'

/** Runs kubectl as the cluster's administrator and gives its standard output. @throws COMMAND_FAILED, HOST_UNREACHABLE */
export type Kubectl = (args: readonly string[], input?: string) => Promise<string>

/** kubectl through a way to run commands (`host.run`, or `view.inquire` for what only asks), with a launchpad's environment. */
export const kubectlBy =
  (run: (command: Command) => Promise<Output>, env: Readonly<Record<string, string>>): Kubectl =>
  async (args, input) =>
    (await run({ argv: ['kubectl', ...args], env, ...(input === undefined ? {} : { input }) })).stdout

/** An object of the Kubernetes API, as far as it is read here. */
export interface KubeObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata?: {
    readonly name?: string
    readonly namespace?: string
    readonly generation?: number
    readonly labels?: Readonly<Record<string, string>>
  }
  readonly spec?: Readonly<Record<string, unknown>>
  readonly status?: Readonly<Record<string, unknown>>
}

/** The objects in an answer of `kubectl -o json`: one, a list, or nothing. */
export function objectsOf(json: string): readonly KubeObject[] {
  if (json.trim() === '') return []
  const answer = JSON.parse(json) as KubeObject & { readonly items?: readonly KubeObject[] }
  return answer.items ?? [answer]
}

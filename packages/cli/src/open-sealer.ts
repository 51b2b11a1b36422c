import { homedir } from 'node:os'
import { join } from 'node:path'
import { createSealer, createSecrets, type Logger, type Sealer, type Secrets } from '@sealer/core'
import { type CliContext, type SealerRequest, warn } from './context.ts'
import { hostKeyPolicy } from './host-keys.ts'
import { loadPlugins, type PluginNeeds } from './plugins.ts'

/** Sealer with the plugins that a command needs. The caller closes it. */
export async function openSealer(
  context: CliContext,
  request: SealerRequest,
): Promise<{ readonly sealer: Sealer; readonly secrets: Secrets }> {
  const { home, env, questions } = context
  const secrets = createSecrets({ env, prompt: (what) => questions.password(what) })
  const needs = await needsOf(context, request, secrets)
  const sealer = createSealer({
    home,
    secrets,
    plugins: await loadPlugins(home, needs),
    logger: loggerOf(context),
    hostKeys: hostKeyPolicy(context, { acceptNew: request.acceptNewHostKeys === true, infra: needs.infra }),
    knownHosts: [join(homedir(), '.ssh/known_hosts'), '/etc/ssh/ssh_known_hosts'],
    sshConfig: join(homedir(), '.ssh/config'),
    insecureUnsigned: context.insecureUnsigned,
  })
  return { sealer, secrets }
}

/** A cluster of before was made by the operator's word: what its record names is loaded as if it were named again. */
async function needsOf(
  { home }: CliContext,
  { cluster, wish, plugins = [] }: SealerRequest,
  secrets: Secrets,
): Promise<PluginNeeds & { readonly infra?: string }> {
  const { runtime, infra } = wish ?? {}
  const said = {
    plugins,
    ...(wish === undefined ? {} : { wish }),
    ...(runtime === undefined ? {} : { runtime }),
    ...(infra === undefined ? {} : { infra }),
  }
  if (cluster === undefined) return said
  await using reader = createSealer({ home, secrets })
  const record = await reader.cluster(cluster)
  return { ...said, runtime: record.runtime, infra: record.infra }
}

function loggerOf(context: CliContext): Logger {
  return {
    debug: (message) => {
      if (context.debug) warn(context, message)
    },
    info: (message) => {
      if (context.debug) warn(context, message)
    },
    warn: (message) => warn(context, message),
  }
}

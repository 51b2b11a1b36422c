import { type Command, Option } from 'commander'
import { withOlderClusterOptions, withUnsignedOption } from './common.ts'
import { assignments, collect, integer, list } from './values.ts'

/** The options by which `run`, `apply` and `check` say which cluster is wanted. As they were typed; `actions/wish.ts` reads them. */
export interface ClusterFlags {
  readonly masters?: string
  readonly nodes?: string
  readonly user?: string
  readonly passwd?: string
  readonly passwdFrom?: string
  readonly pk?: string
  readonly pkPasswd?: string
  readonly pkPasswdFrom?: string
  readonly sudoPasswdFrom?: string
  readonly port?: number
  readonly infra?: string
  readonly provider?: string
  readonly runtime?: string
  readonly name?: string
  readonly env: Readonly<Record<string, string>>
  readonly cmds: readonly string[]
  readonly cmd: readonly string[]
  readonly apps?: readonly string[]
  readonly file?: string
  readonly timeout?: number
  readonly plugin: readonly string[]
  readonly acceptNewHostKeys: boolean
  readonly yes: boolean
}

/** Adds the options of `ClusterFlags`. `apply` of the original uses `-m` for something else. */
export function withClusterOptions(command: Command, { shortHosts = true } = {}): Command {
  return withUnsignedOption(withOlderClusterOptions(command))
    .option(
      `${shortHosts ? '-m, ' : ''}--masters <hosts>`,
      'control planes: addresses and ranges (10.0.0.1,10.0.0.4-10.0.0.6), or a number with --infra local',
    )
    .option(`${shortHosts ? '-n, ' : ''}--nodes <hosts>`, 'workers, written alike')
    .addOption(new Option('--master <hosts>').hideHelp())
    .addOption(new Option('--node <hosts>').hideHelp())
    .option('--infra <name>', 'who supplies the hosts: baremetal (they are given), local (made on this machine)')
    .addOption(new Option('--provider <name>').hideHelp())
    .option('--runtime <name>', 'what makes a cluster of them; by itself what the image says')
    .option('--name <cluster>', 'name of the cluster')
    .addOption(new Option('--cluster-name <cluster>').hideHelp())
    .addOption(new Option('--cluster <cluster>').hideHelp())
    .option('-u, --user <name>', 'SSH user of the hosts (root)')
    .option('--pk <file>', 'SSH private key; by itself the agent, then the keys of ~/.ssh')
    .option('--pk-passwd-from <where>', 'passphrase of the key: env:NAME, file:PATH or prompt')
    .addOption(new Option('--pk-passwd <text>').hideHelp())
    .option('--passwd-from <where>', 'SSH password: env:NAME, file:PATH or prompt')
    .option('-p, --passwd <text>', 'SSH password; others on this machine can read it, --passwd-from is better')
    .option('--sudo-passwd-from <where>', 'password for sudo, where it is not the SSH password')
    .option('--port <number>', 'SSH port of the hosts (22)', integer(1, 65_535))
    .option('--accept-new-host-keys', 'trust hosts whose key is not known yet, and pin the key', false)
    .option('-e, --env <name=value>', 'variable for the cluster; again for more', assignments, {})
    .option('--apps <names>', 'apps to launch instead of those that the image says; "" for none', list)
    .option('--cmds <command>', 'command to run instead of those of the image; again for more', collect, [])
    .addOption(new Option('--cmd <command>').argParser(collect).default([]).hideHelp())
    .option('-f, --file <Clusterfile>', 'the wanted cluster as a file; - for standard input')
    .addOption(new Option('--Clusterfile <file>').hideHelp())
    .addOption(new Option('--clusterfile <file>').hideHelp())
    .option('--timeout <seconds>', 'how long nodes and apps may take to become ready', integer(1, 86_400))
    .option('--plugin <name>', 'load this installed plugin, too; again for more', collect, [])
    .option('-y, --yes', 'ask nothing', false)
    .hook('preAction', (_, acting) => sameByAnotherName(acting))
}

/** Puts the values of older names under today's. */
function sameByAnotherName(command: Command): void {
  const names = {
    master: 'masters',
    node: 'nodes',
    Clusterfile: 'file',
    clusterfile: 'file',
    clusterName: 'name',
    cluster: 'name',
  }
  for (const [older, today] of Object.entries(names)) {
    const value: unknown = command.getOptionValue(older)
    if (value !== undefined) command.setOptionValueWithSource(today, value, 'cli')
  }
}

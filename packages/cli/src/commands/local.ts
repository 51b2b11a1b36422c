import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { declare, examples } from '../flags/common.ts'
import { integer } from '../flags/values.ts'

/** Flags of `local create`. */
export interface LocalCreateFlags {
  readonly masters: number
  readonly nodes: number
  readonly memoryDisks: boolean
}

/** Flags of `local expose` and `local unexpose`. */
export interface LocalExposeFlags {
  readonly cluster?: string
  readonly port?: number
  readonly host?: string
}

const verbs = [
  ['start', 'start a cluster’s hosts or one host, also after a reboot of this machine', 'lab'],
  ['stop', 'power a cluster’s hosts or one host off cleanly', 'lab'],
  ['kill', 'take the power from a cluster’s hosts or one host', 'lab-m1'],
  ['reboot', 'take the power from a cluster’s hosts or one host and give it back', 'lab-n1'],
  ['partition', 'cut a host off: it runs on and reaches nobody', 'lab-n1'],
  ['heal', 'connect it again', 'lab-n1'],
] as const
/** What can be done to hosts by name alone. */
export type LocalVerb = (typeof verbs)[number][0]

/** `sealer local`: hosts on this machine. */
export function localCommand(context: CliContext): Command {
  const local = declare('local', 'make and use hosts on this machine')
    .enablePositionalOptions()
    .addHelpText(
      'after',
      `
Hosts are machines with an own system, sshd and address, in a network of their own without any way out. They run as root of this machine:
what runs in them is not kept from it. "sealer run --infra local" makes them by itself.
${examples(
  ['sealer local create lab --masters 1 --nodes 2', 'three hosts: lab-m1, lab-n1, lab-n2'],
  ['sealer local exec lab -- curl -s http://198.18.1.2:30080/', 'a program of this machine, in their network'],
  ['sealer local exec lab-m1 -- journalctl -u kubelet', 'a program of a host, on the host'],
  ['sealer local expose --cluster lab 30080 --port 8080', '127.0.0.1:8080 leads to port 30080 of the hosts'],
)}`,
    )
  local.addCommand(
    declare('create', 'make hosts and start them')
      .argument('<cluster>')
      .option('--masters <number>', 'hosts with the role master', integer(1, 200), 1)
      .option('--nodes <number>', 'hosts with the role node', integer(0, 200), 0)
      .option('--memory-disks', 'keep their disks in memory: faster, gone after a reboot of this machine', false)
      .addHelpText('after', examples(['sealer local create lab --nodes 2', 'three hosts: lab-m1, lab-n1, lab-n2']))
      .action(async (cluster: string, flags: LocalCreateFlags) => {
        const { create } = await import('../actions/local.ts')
        await create(context, cluster, flags)
      }),
  )
  local.addCommand(
    declare('list', 'list hosts and how they are')
      .addHelpText('after', examples(['sealer local list --output json', 'with addresses, states and exposed ports']))
      .action(async () => {
        const { list } = await import('../actions/local.ts')
        await list(context)
      }),
  )
  for (const [verb, summary, name] of verbs) {
    local.addCommand(
      declare(verb, summary)
        .argument('<name>', 'a cluster, or one of its hosts')
        .addHelpText('after', examples([`sealer local ${verb} ${name}`, summary]))
        .action(async (named: string) => {
          const { act } = await import('../actions/local.ts')
          await act(context, verb, named)
        }),
    )
  }
  local.addCommand(
    declare('delete', 'take a cluster’s hosts away, with their disks')
      .argument('<cluster>')
      .option('-y, --yes', 'ask nothing', false)
      .addHelpText('after', examples(['sealer local delete lab --yes', 'a cluster on them goes along']))
      .action(async (cluster: string, flags: { readonly yes: boolean }) => {
        const { remove } = await import('../actions/local.ts')
        await remove(context, cluster, flags)
      }),
  )
  local.addCommand(
    declare('exec', 'run a program in a cluster’s network, or on a host')
      .argument('<name>', 'a cluster: the program is this machine’s; a host: it is the host’s')
      .argument('<command...>')
      .passThroughOptions()
      .addHelpText(
        'after',
        examples(
          ['sealer local exec lab -- curl -s http://198.18.1.2:30080/', 'a program of this machine, in their network'],
          ['sealer local exec lab-m1 -- bash', 'a shell on a host'],
        ),
      )
      .action(async (name: string, argv: string[]) => {
        const { exec } = await import('../actions/local.ts')
        await exec(context, name, argv[0] === '--' ? argv.slice(1) : argv)
      }),
  )
  local.addCommand(
    declare('expose', 'lead a port of 127.0.0.1 to a port of the hosts')
      .argument('<port>', 'port of the hosts, e.g. a NodePort', integer(1, 65_535))
      .option('-c, --cluster <name>', 'the cluster; may be left away where there is one')
      .option('--port <number>', 'port of 127.0.0.1; by itself the same number', integer(1, 65_535))
      .option('--host <name>', 'this host alone; by itself the first that answers')
      .addHelpText('after', examples(['sealer local expose 30080 --port 8080', 'http://127.0.0.1:8080 leads there']))
      .action(async (port: number, flags: LocalExposeFlags) => {
        const { expose } = await import('../actions/local.ts')
        await expose(context, port, flags)
      }),
  )
  local.addCommand(
    declare('unexpose', 'close what expose has opened')
      .argument('<port>', 'port of 127.0.0.1', integer(1, 65_535))
      .option('-c, --cluster <name>', 'the cluster; may be left away where there is one')
      .addHelpText('after', examples(['sealer local unexpose 8080', 'the port of this machine is free again']))
      .action(async (port: number, flags: LocalExposeFlags) => {
        const { unexpose } = await import('../actions/local.ts')
        await unexpose(context, port, flags)
      }),
  )
  return local
}

import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { declare, examples } from '../flags/common.ts'

/** `sealer kubectl`: the cluster's own kubectl, on a control plane. */
export function kubectlCommand(context: CliContext): Command {
  return declare('kubectl', 'run the cluster’s own kubectl; everything after it is kubectl’s')
    .usage('[--cluster <name>] [arguments of kubectl...]')
    .argument('[arguments...]')
    .option(
      '-c, --cluster <name>',
      'the cluster; may be left away where there is one. Only before the first argument of kubectl',
    )
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .addHelpText(
      'after',
      `
It runs on a control plane of the cluster: nothing needs to be installed here. Files named by -f are read here and sent along.
With -t (as in exec -it), and for edit, it has your terminal.
${examples(['sealer kubectl get pods -A', 'what runs'], ['sealer kubectl --cluster lab apply -f shop.yaml', 'a file of this machine'])}`,
    )
    .action(async (args: string[], flags: { readonly cluster?: string }, command: Command) => {
      if (args.length === 1 && ['--help', '-h'].includes(args[0] ?? '')) return command.outputHelp()
      const { kubectl } = await import('../actions/kubectl.ts')
      await kubectl(context, flags.cluster, args)
    })
}

/** Flags of `kubeconfig`. */
export interface KubeconfigFlags {
  /** True: the file that kubectl reads by itself. */
  readonly merge?: string | true
}

/** `sealer kubeconfig`: how other tools reach the cluster. */
export function kubeconfigCommand(context: CliContext): Command {
  return declare('kubeconfig', 'print the administrator’s kubeconfig, or merge it into a file')
    .argument('[cluster]', 'its name; may be left away where there is one')
    .option(
      '--merge [file]',
      'put it into this file (~/.kube/config) beside what is there, under the name of the cluster',
    )
    .addHelpText(
      'after',
      examples(
        ['sealer kubeconfig lab > lab.kubeconfig', 'a file of its own'],
        ['sealer kubeconfig lab --merge', 'kubectl --context lab works'],
      ),
    )
    .action(async (cluster: string | undefined, flags: KubeconfigFlags) => {
      const { kubeconfig } = await import('../actions/kubeconfig.ts')
      await kubeconfig(context, cluster, flags)
    })
}

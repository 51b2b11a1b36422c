import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { declare, examples } from '../flags/common.ts'

/** Flags of `plugin install`. */
export interface PluginInstallFlags {
  readonly offline: boolean
}

/** `sealer plugin list | install | remove`. */
export function pluginCommand(context: CliContext): Command {
  const plugin = declare('plugin', 'list, install and remove plugins').addHelpText(
    'after',
    examples(
      ['sealer plugin list', 'those of the command and of this site'],
      ['sealer plugin install ./sealer-runtime-beacon-0.1.0.tgz --offline', 'from a tarball, without network'],
    ),
  )
  plugin.addCommand(
    declare('list', 'list plugins; none of their code is loaded')
      .addHelpText('after', examples(['sealer plugin list', 'with what each of them provides']))
      .action(async () => {
        const { list } = await import('../actions/plugin.ts')
        await list(context)
      }),
  )
  plugin.addCommand(
    declare('install', 'install a plugin from a registry of npm packages, or a tarball')
      .argument('<package>', 'a name like sealer-runtime-beacon@0.1.0, or the path of a tarball')
      .option('--offline', 'use no network', false)
      .addHelpText(
        'after',
        examples(
          ['sealer plugin install sealer-runtime-beacon@0.1.0', 'from the registry that npm uses'],
          ['sealer plugin install ./sealer-runtime-beacon-0.1.0.tgz --offline', 'from a tarball, without network'],
        ),
      )
      .action(async (what: string, flags: PluginInstallFlags) => {
        const { install } = await import('../actions/plugin.ts')
        await install(context, what, flags)
      }),
  )
  plugin.addCommand(
    declare('remove', 'remove an installed plugin')
      .argument('<package>')
      .addHelpText('after', examples(['sealer plugin remove sealer-runtime-beacon', 'clusters made with it stay']))
      .action(async (name: string) => {
        const { remove } = await import('../actions/plugin.ts')
        await remove(context, name)
      }),
  )
  return plugin
}

import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { declare, examples } from '../flags/common.ts'

/** Flags of `trust add`. */
export interface TrustAddFlags {
  readonly for?: string
  readonly identity?: string
  readonly until?: string
}

/** Flags of `trust remove`. */
export interface TrustRemoveFlags {
  readonly for?: string
}

/** `sealer trust`: whose images may be used on this machine. */
export function trustCommand(context: CliContext): Command {
  return declare('trust', 'say whose images may be used on this machine')
    .addCommand(add(context))
    .addCommand(list(context))
    .addCommand(remove(context))
    .addHelpText('after', examples(['sealer trust add sealer.pub', 'from now on, what it has not signed is refused']))
}

const add = (context: CliContext): Command =>
  declare('add', 'trust a key; images that it stands for are refused from now on unless it has signed them')
    .argument('<key>', 'public key: a file, or env:NAME')
    .option('--for <pattern>', 'for images of these names alone: * is one part of a name, ** any number; by itself all')
    .option('--identity <pattern>', 'accept signatures made under these names, for images that were copied')
    .option('--until <date>', 'until the end of this day (UTC), e.g. 2027-01-31')
    .addHelpText(
      'after',
      examples(
        ['sealer trust add sealer.pub', 'every image that was not built here must be signed by this key'],
        ['sealer trust add team.pub --for "registry.example/team/**"', 'images of the team alone'],
        [
          'sealer trust add maker.pub --for "mirror.example/**" --identity "docker.io/maker/*"',
          'copies on a mirror, as their maker has signed them',
        ],
      ),
    )
    .action(async (key: string, flags: TrustAddFlags) => {
      const { trustAdd } = await import('../actions/signing.ts')
      await trustAdd(context, key, flags)
    })

const list = (context: CliContext): Command =>
  declare('list', 'list the keys that are trusted')
    .addHelpText('after', examples(['sealer trust list', 'each key, and for which images']))
    .action(async () => {
      const { trustList } = await import('../actions/signing.ts')
      await trustList(context)
    })

const remove = (context: CliContext): Command =>
  declare('remove', 'trust a key no longer')
    .argument('<id>', 'the beginning of its id, as sealer trust list shows it')
    .option('--for <pattern>', 'only for the images of this pattern')
    .addHelpText('after', examples(['sealer trust remove 3f9c2a417b20', 'its signatures count for nothing any more']))
    .action(async (id: string, flags: TrustRemoveFlags) => {
      const { trustRemove } = await import('../actions/signing.ts')
      await trustRemove(context, id, flags)
    })

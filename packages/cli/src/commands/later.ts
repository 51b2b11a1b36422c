import { Command } from 'commander'

/** Commands that users of the original know, and that this version cannot do yet. */
const names = [
  'alpha',
  'cert',
  'completion',
  'exec',
  'gen',
  'host-alias',
  'join',
  'manifest',
  'mount',
  'rollback',
  'scale-up',
  'umount',
  'upgrade',
] as const

/** Refused by name, which is better than being unknown. */
export function laterCommands(): Command[] {
  return names.map((name) =>
    new Command(name)
      .argument('[arguments...]')
      .allowUnknownOption()
      .helpOption(false)
      .action(async () => {
        const { errors } = await import('../errors.ts')
        throw errors.NOT_SUPPORTED_YET({ what: `sealer ${name}` })
      }),
  )
}

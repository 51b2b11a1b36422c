import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { declare, examples } from '../flags/common.ts'

/** Flags of `keys generate`. */
export interface KeysFlags {
  readonly passwordFrom?: string
}

/** `sealer keys`: pairs of keys for signing. */
export function keysCommand(context: CliContext): Command {
  const generate = declare('generate', 'make a pair of keys for signing images')
    .argument('[prefix]', 'beginning of the two files: PREFIX.key and PREFIX.pub', 'sealer')
    .option('--password-from <where>', 'password of the private key: env:NAME, file:PATH or prompt')
    .addHelpText(
      'after',
      `\nThe files are those of cosign, which can use them, as sealer can use those of cosign.\n${examples(
        ['sealer keys generate release', 'release.key, which stays with you, and release.pub, which others trust'],
        ['sealer keys generate --password-from env:KEY_PASSWORD', 'where nobody can be asked'],
      )}`,
    )
    .action(async (prefix: string, flags: KeysFlags) => {
      const { generateKeys } = await import('../actions/signing.ts')
      await generateKeys(context, prefix, flags)
    })
  return declare('keys', 'make keys for signing images')
    .addCommand(generate)
    .addHelpText('after', examples(['sealer keys generate', 'sealer.key signs, sealer.pub is for others']))
}

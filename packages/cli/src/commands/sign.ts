import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { declare, examples } from '../flags/common.ts'
import { assignments } from '../flags/values.ts'

/** Flags of `sign`. */
export interface SignFlags {
  readonly key: string
  readonly passwordFrom?: string
  readonly as?: string
  readonly annotation: Readonly<Record<string, string>>
}

/** `sealer sign`: a signature that cosign verifies, too. */
export function signCommand(context: CliContext): Command {
  return declare('sign', 'sign a cluster image with a key')
    .argument('<image>')
    .requiredOption('--key <key>', 'private key: a file, or env:NAME')
    .option('--password-from <where>', 'password of the key: env:NAME, file:PATH or prompt; asked for by itself')
    .option('--as <name>', 'sign it under this name, e.g. where it will be pushed; by itself its own')
    .option('--annotation <name=value>', 'say this in the signature; again for more', assignments, {})
    .addHelpText(
      'after',
      `\nThe signature goes with the image: push, pull, save and load take it along.\n${examples(
        ['sealer sign registry.example/team/dashboard:v1 --key sealer.key', 'asks for the password of the key'],
        ['sealer sign dashboard:v1 --key sealer.key --as registry.example/team/dashboard', 'before it is pushed there'],
      )}`,
    )
    .action(async (image: string, flags: SignFlags) => {
      const { sign } = await import('../actions/signing.ts')
      await sign(context, image, flags)
    })
}

/** Flags of `verify`. */
export interface VerifyFlags {
  readonly key?: string
  readonly identity?: string
}

/** `sealer verify`: whether a signature of an image counts. */
export function verifyCommand(context: CliContext): Command {
  return declare('verify', 'verify the signatures of a cluster image')
    .argument('<image>', 'an image of this machine: pull or load brings its signatures')
    .option('--key <key>', 'public key: a file, or env:NAME; by itself the keys that are trusted for its name')
    .option('--identity <pattern>', 'with --key: accept signatures under these names, e.g. "docker.io/team/*"')
    .addHelpText(
      'after',
      examples(
        ['sealer verify registry.example/team/dashboard:v1 --key sealer.pub', 'exit code 0: it is signed by this key'],
        ['sealer verify dashboard:v1', 'by the trusted keys'],
      ),
    )
    .action(async (image: string, flags: VerifyFlags) => {
      const { verify } = await import('../actions/signing.ts')
      await verify(context, image, flags)
    })
}

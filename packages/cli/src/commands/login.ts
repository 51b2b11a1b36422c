import { type Command, Option } from 'commander'
import type { CliContext } from '../context.ts'
import { declare, examples } from '../flags/common.ts'

/** Flags of `login`. */
export interface LoginFlags {
  readonly username: string
  readonly password?: string
  readonly passwordFrom?: string
  readonly passwordStdin: boolean
  readonly skipTlsVerify: boolean
}

/** `sealer login`: remembers who one is to a registry. */
export function loginCommand(context: CliContext): Command {
  return declare('login', 'remember user and password for a registry')
    .argument('<registry>', 'e.g. registry.example or 10.0.0.9:5000')
    .requiredOption('-u, --username <name>')
    .option('--password-stdin', 'read the password from standard input', false)
    .option('--password-from <where>', 'env:NAME, file:PATH or prompt')
    .addOption(new Option('-p, --password <text>').hideHelp())
    .option('--skip-tls-verify', 'allow plain HTTP and certificates that cannot be verified', false)
    .addHelpText(
      'after',
      `\nWithout an option for the password it is asked for.\n${examples(
        ['sealer login registry.example -u team', 'asks for the password'],
        ['pass team | sealer login registry.example -u team --password-stdin', 'from a password store'],
      )}`,
    )
    .action(async (registry: string, flags: LoginFlags) => {
      const { login } = await import('../actions/login.ts')
      await login(context, registry, flags)
    })
}

/** `sealer logout`: forgets it. */
export function logoutCommand(context: CliContext): Command {
  return declare('logout', 'forget user and password for a registry')
    .argument('<registry>')
    .addHelpText('after', examples(['sealer logout registry.example', 'the next pull from there is anonymous']))
    .action(async (registry: string) => {
      const { logout } = await import('../actions/login.ts')
      await logout(context, registry)
    })
}

import { text } from 'node:stream/consumers'
import type { LoginFlags } from '../commands/login.ts'
import { type CliContext, print, warn } from '../context.ts'

/** Tries the password, then remembers it. */
export async function login(context: CliContext, registry: string, flags: LoginFlags): Promise<void> {
  const password = await passwordOf(context, registry, flags)
  await using sealer = await context.openSealer({})
  await sealer.images.login(registry, flags.username, password, { insecure: flags.skipTlsVerify })
  print(context, { registry, user: flags.username }, () => `Logged in to ${registry} as ${flags.username}.`)
}

/** Forgets the password. */
export async function logout(context: CliContext, registry: string): Promise<void> {
  await using sealer = await context.openSealer({})
  await sealer.images.logout(registry)
  print(context, { registry }, () => `Logged out from ${registry}.`)
}

async function passwordOf({ terminal, ...context }: CliContext, registry: string, flags: LoginFlags): Promise<string> {
  if (flags.passwordStdin) return `value:${(await text(terminal.stdin)).replace(/\r?\n$/, '')}`
  if (flags.passwordFrom !== undefined) return flags.passwordFrom
  if (flags.password === undefined) return `prompt:Password of ${flags.username} at ${registry}`
  warn(
    { terminal, ...context },
    '--password can be read by others on this machine (ps, shell history); --password-stdin or --password-from is the safe way.',
  )
  return `value:${flags.password}`
}

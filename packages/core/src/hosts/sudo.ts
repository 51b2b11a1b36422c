import { errors, type SealerError } from '../errors.ts'
import type { Runner } from './run-command.ts'

/** sudo lets nobody through, or does not begin. */
export const sudoFailed = ({ host, sudo }: Runner, reason: string): SealerError =>
  errors.SUDO_FAILED({ host, user: sudo?.user ?? '', reason })

/** The line that answers sudo's prompt; a prompt that comes again means that the password is wrong. @throws SUDO_FAILED */
export async function sudoAnswer(runner: Runner, again: boolean): Promise<string> {
  if (again) throw sudoFailed(runner, 'the password is wrong.')
  if (runner.sudo?.password === undefined) throw sudoFailed(runner, 'sudo asks for a password, and none is given.')
  return `${await runner.sudo.password()}\n`
}

import type { Run } from './instructions.ts'

/** The command of RUN as text, for people. */
export function commandText(command: Run['command']): string {
  if ('argv' in command) return JSON.stringify(command.argv)
  return 'shell' in command ? command.shell : command.script
}

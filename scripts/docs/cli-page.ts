import { PassThrough, Readable } from 'node:stream'
import { type CliContext, createProgram } from '@sealer/cli'

type Command = ReturnType<typeof createProgram>

/** The page of commands: what `--help` prints for each of them. */
export function cliPage(): string {
  let printed = ''
  const program = createProgram(paper((text) => (printed += text)))
  const sections = commandsOf(program).map(({ path, command }) => {
    printed = ''
    command.configureOutput({ getOutHelpWidth: () => 110 }).outputHelp()
    return `## ${path}\n\n\`\`\`\n${printed.trimEnd()}\n\`\`\`\n`
  })
  return `# Commands\n\nWhat \`sealer COMMAND --help\` prints.\n\n${sections.join('\n')}`
}

function commandsOf(command: Command, before = ''): { path: string; command: Command }[] {
  const path = `${before}${command.name()}`
  const below = command
    .createHelp()
    .visibleCommands(command)
    .filter((child) => child.name() !== 'help')
  return [{ path, command }, ...below.flatMap((child) => commandsOf(child, `${path} `))]
}

/** A world for commands that are only asked for their help. */
function paper(stdout: (text: string) => void): CliContext {
  const nothing = (): never => {
    throw new Error('The page of commands runs none of them.')
  }
  return {
    signal: new AbortController().signal,
    home: '~/.sealer',
    env: {},
    terminal: {
      interactive: false,
      live: false,
      columns: 110,
      stdin: Readable.from([]),
      output: new PassThrough(),
      stdout: (text) => stdout(String(text)),
      stderr: () => {},
    },
    questions: { password: nothing, confirm: nothing },
    openSealer: nothing,
    mask: (text) => text,
    format: 'text',
    colour: false,
    debug: false,
    insecureUnsigned: false,
    exitCode: 0,
  }
}

import { Command, Option } from 'commander'

/** What tells an option of the original that is accepted and does nothing; a warning says so once. */
const idle = 'without effect'
/** Such options of every command. */
const idleEverywhere = [
  '--config <file>',
  '--hide-time',
  '--hide-path',
  '--log-to-file',
  '--remote-logger-url <url>',
  '--task-name <name>',
  '-t, --toggle',
  '-q, --quiet',
] as const

/** What a command line may hold on every command, as far as the command has no option of that name itself. */
export function withCommonOptions(command: Command): Command {
  const output = new Option('--output <format>', 'how to answer').choices(['text', 'json']).default('text')
  const colour = new Option('--color <when>', 'colours in text').choices(['auto', 'always', 'never']).default('auto')
  add(command, output)
  add(command, new Option('-d, --debug', 'show where an error came from').default(false))
  add(command, colour.hideHelp())
  for (const flags of idleEverywhere) add(command, new Option(flags, idle).hideHelp())
  return command
}

/** Such options of the commands that make clusters. */
const idleOnClusters = ['--ignore-cache', '--distributor <name>', '--force'] as const

/** Accepts them. */
export function withOlderClusterOptions(command: Command): Command {
  for (const flags of idleOnClusters) add(command, new Option(flags, idle).hideHelp())
  return command
}

/** For commands that look into images: what the trusted keys forbid is done all the same. */
export const withUnsignedOption = (command: Command): Command =>
  command.option('--insecure-unsigned', 'use images that no trusted key has signed', false)

/** Long names of the options given on the command line that have no effect. */
export function optionsWithoutEffect(command: Command): string[] {
  return command.options
    .filter((option) => option.description === idle)
    .filter((option) => command.getOptionValueSource(option.attributeName()) === 'cli')
    .map((option) => option.long ?? option.flags)
}

function add(command: Command, option: Option): void {
  const taken = new Set(command.options.flatMap(({ short, long }) => [short, long]))
  if (option.long !== undefined && taken.has(option.long)) return
  if (option.short === undefined || !taken.has(option.short)) {
    command.addOption(option)
    return
  }
  const long = new Option(option.flags.replace(/^-\w, /, ''), option.description).default(option.defaultValue)
  command.addOption(option.hidden ? long.hideHelp() : long)
}

/** Examples below the help of a command: each a line that works, with what it does. */
export function examples(...lines: readonly (readonly [line: string, what: string])[]): string {
  const width = Math.max(...lines.map(([line]) => line.length))
  const [title, ...rest] = [
    lines.length === 1 ? '\nExample:' : '\nExamples:',
    ...lines.map(([line, what]) => `  ${line.padEnd(width)}  # ${what}`),
  ]
  return [title, ...rest].join('\n')
}

/** A command of its own; `cli.ts` puts it into the program. */
export function declare(name: string, summary: string): Command {
  return new Command(name).summary(summary).description(`${summary[0]?.toUpperCase()}${summary.slice(1)}.`)
}

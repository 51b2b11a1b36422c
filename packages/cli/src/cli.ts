import { Command, CommanderError, type Option } from 'commander'
import { applyCommand } from './commands/apply.ts'
import { buildCommand } from './commands/build.ts'
import { checkCommand } from './commands/check.ts'
import { deleteCommand } from './commands/delete.ts'
import { diffCommand } from './commands/diff.ts'
import { getCommand, psCommand } from './commands/get.ts'
import {
  imagesCommand,
  loadCommand,
  pullCommand,
  pushCommand,
  rmiCommand,
  saveCommand,
  tagCommand,
} from './commands/images.ts'
import { historyCommand, inspectCommand } from './commands/inspect.ts'
import { keysCommand } from './commands/keys.ts'
import { kubeconfigCommand, kubectlCommand } from './commands/kubectl.ts'
import { laterCommands } from './commands/later.ts'
import { localCommand } from './commands/local.ts'
import { loginCommand, logoutCommand } from './commands/login.ts'
import { mergeCommand } from './commands/merge.ts'
import { pluginCommand } from './commands/plugin.ts'
import { pruneCommand } from './commands/prune.ts'
import { runCommand } from './commands/run.ts'
import { sbomCommand } from './commands/sbom.ts'
import { searchCommand } from './commands/search.ts'
import { signCommand, verifyCommand } from './commands/sign.ts'
import { trustCommand } from './commands/trust.ts'
import { versionCommand } from './commands/version.ts'
import { type CliContext, warn } from './context.ts'
import { exitCodes } from './exit-codes.ts'
import { examples, optionsWithoutEffect, withCommonOptions } from './flags/common.ts'
import { ownVersion } from './own-version.ts'

/** The whole program. Declaring it loads commander and nothing else of weight. */
export function createProgram(context: CliContext): Command {
  const program = new Command('sealer')
    .description('Packs a whole cluster into one OCI image and makes a running cluster of it with one command.')
    .version(ownVersion(), '-V, --version', 'print the version')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeOut: context.terminal.stdout, writeErr: context.terminal.stderr })
    .configureHelp({ optionDescription })
    .showHelpAfterError('(see the options and examples with --help)')
    .addHelpText(
      'after',
      `${examples(
        ['sealer build -t dashboard:v1 .', 'a cluster image from the Kubefile here'],
        ['sealer run dashboard:v1 --infra local --masters 1', 'a cluster of it on this machine'],
        ['sealer delete', 'and away again'],
      )}

Exit codes: 0 done; 1 tried and failed; 2 nothing was tried; 130 stopped by Ctrl-C; kubectl and local exec hand on that of their program.`,
    )
  const groups: Readonly<Record<string, readonly Command[]>> = {
    'Clusters:': [
      runCommand(context),
      applyCommand(context),
      checkCommand(context),
      deleteCommand(context),
      psCommand(context),
      getCommand(context),
      kubectlCommand(context),
      kubeconfigCommand(context),
    ],
    'Cluster images:': [
      buildCommand(context),
      imagesCommand(context),
      inspectCommand(context),
      historyCommand(context),
      diffCommand(context),
      mergeCommand(context),
      tagCommand(context),
      rmiCommand(context),
      pruneCommand(context),
      saveCommand(context),
      loadCommand(context),
      pushCommand(context),
      pullCommand(context),
      searchCommand(context),
      loginCommand(context),
      logoutCommand(context),
    ],
    'Signatures and contents:': [
      keysCommand(context),
      signCommand(context),
      verifyCommand(context),
      trustCommand(context),
      sbomCommand(context),
    ],
    'This machine:': [localCommand(context), pluginCommand(context), versionCommand(context)],
  }
  for (const [title, commands] of Object.entries(groups)) {
    for (const command of commands) program.addCommand(withinProgram(program, command).helpGroup(title))
  }
  for (const command of laterCommands()) program.addCommand(withinProgram(program, command), { hidden: true })
  withCommonOptions(program)
  return program.hook('preAction', (_, command) => takeCommonOptions(context, program, command))
}

/** Runs a command line and gives the exit code. Never throws, never exits. */
export async function runCli(args: readonly string[], context: CliContext): Promise<number> {
  try {
    const program = createProgram(context)
    await program.parseAsync(withoutAlpha(program, args), { from: 'user' })
    return context.signal.aborted ? exitCodes.interrupted : context.exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.unwilling
    const { errorJson, errorText, exitCodeOf } = await import('./print-error.ts')
    const { colour, debug } = context
    const mask = (text: string) => context.mask(text)
    context.terminal.stderr(
      context.format === 'json' ? errorJson(error, mask) : errorText(error, { colour, debug, mask }),
    )
    return exitCodeOf(error, context.signal)
  }
}

/** Some commands stood behind `alpha` in sealer 0.11. */
function withoutAlpha({ commands }: Command, args: readonly string[]): readonly string[] {
  const [first, second] = args
  return first === 'alpha' && commands.some((command) => command.name() === second) ? args.slice(1) : args
}

/** Commander's, without the defaults that say nothing: false, and nothing given yet. */
function optionDescription({ description, argChoices, defaultValue }: Option): string {
  const choices = argChoices === undefined ? '' : `: ${argChoices.join(', ')}`
  const telling = typeof defaultValue === 'string' || typeof defaultValue === 'number'
  return `${description}${choices}${telling ? ` (${defaultValue})` : ''}`
}

/** Sub-commands do not inherit how output and exits are handled by themselves. One without help of its own passes all options on. */
function withinProgram(parent: Command, command: Command): Command {
  const passesOn = !command
    .createHelp()
    .visibleOptions(command)
    .some((option) => option.long === '--help')
  command.copyInheritedSettings(parent)
  if (passesOn) return command.helpOption(false)
  const acts = command.commands.length === 0 || command.registeredArguments.length > 0
  if (acts) withCommonOptions(command)
  for (const child of command.commands) withinProgram(command, child)
  return command
}

function takeCommonOptions(context: CliContext, program: Command, command: Command): void {
  const before = program.opts<CommonOptions>()
  const own = command.opts<CommonOptions>()
  const said = (name: keyof CommonOptions) => (command.getOptionValueSource(name) === 'cli' ? own[name] : before[name])
  // Where --output names a file, only the one before the command says how to answer.
  const isFormat = command.options.some(({ long, argChoices }) => long === '--output' && argChoices !== undefined)
  context.format = (isFormat ? said('output') : before.output) === 'json' ? 'json' : 'text'
  context.debug = said('debug') === true
  context.insecureUnsigned = own.insecureUnsigned === true
  const colour = said('color')
  if (colour === 'always' || colour === 'never') context.colour = colour === 'always'
  const idle = [...new Set([...optionsWithoutEffect(program), ...optionsWithoutEffect(command)])]
  if (idle.length > 0) warn(context, `Without effect in this version: ${idle.join(', ')}.`)
}

interface CommonOptions {
  readonly output?: string
  readonly debug?: boolean
  readonly insecureUnsigned?: boolean
  readonly color?: 'auto' | 'always' | 'never'
}

import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { runCli } from './cli.ts'
import type { CliContext, OwnWindow, Terminal } from './context.ts'
import { exitCodes } from './exit-codes.ts'
import { terminalQuestions } from './questions.ts'

const { env, stdin, stdout, stderr } = process
const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (stop.signal.aborted) process.exit(exitCodes.interrupted)
    terminal.stderr('\nStopping; what is done stays. Once more leaves at once.\n')
    stop.abort(new DOMException('Stopped on request.', 'AbortError'))
  })
}
for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(context.exitCode) // whoever read has seen enough, as `sealer images | head -1`
    throw error
  })
}

const terminal: Terminal = {
  interactive: stdin.isTTY === true && stderr.isTTY === true,
  live: stderr.isTTY === true && env.TERM !== 'dumb' && env.CI === undefined,
  get columns() {
    return stderr.columns ?? 80
  },
  stdin,
  ...(stdin.isTTY && stdout.isTTY ? { window: ownWindow() } : {}),
  output: stdout,
  stdout: (text) => void stdout.write(text),
  stderr: (text) => void stderr.write(text),
}
function ownWindow(): OwnWindow {
  return {
    type: env.TERM ?? 'dumb',
    size: () => ({ columns: stdout.columns, rows: stdout.rows }),
    onResize: (changed) => {
      stdout.on('resize', changed)
      return () => stdout.off('resize', changed)
    },
    raw: (on) => void stdin.setRawMode(on),
  }
}

let mask = (text: string): string => text
const context: CliContext = {
  signal: stop.signal,
  home: resolve(env.SEALER_HOME ?? join(homedir(), '.sealer')),
  env,
  terminal,
  questions: terminalQuestions(terminal, stop.signal),
  openSealer: async (request) => {
    const { openSealer } = await import('./open-sealer.ts')
    const { sealer, secrets } = await openSealer(context, request)
    mask = (text) => secrets.mask(text)
    return sealer
  },
  mask: (text) => mask(text),
  format: 'text',
  colour: stderr.isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb',
  debug: false,
  insecureUnsigned: false,
  exitCode: exitCodes.ok,
}

const exitCode = await runCli(process.argv.slice(2), context)
// Everything is closed by now; what still hangs (a connection attempt that was given up, an open terminal) must not keep the process.
for (const stream of [stdout, stderr]) await new Promise((written) => stream.write('', written))
process.exit(exitCode)

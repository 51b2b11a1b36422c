import { type ChildProcess, spawn } from 'node:child_process'

/** How a program ended, with what it said. */
export interface Outcome {
  /** Exit code; -1 when a signal ended it. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Waits for the end of a child, keeping what it says. */
export function ended(child: ChildProcess): Promise<Outcome> {
  const said = { stdout: '', stderr: '' }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said.stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said.stderr += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code) => resolve({ code: code ?? -1, ...said }))
  })
}

/** Runs any program to its end, whatever it is. */
export async function tryTool(file: string, ...args: readonly string[]): Promise<Outcome> {
  return await ended(spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] }))
}

/** Runs any program to its end; nothing but success will do: its standard output. */
export async function tool(file: string, ...args: readonly string[]): Promise<string> {
  return succeeded(`${file} ${args.join(' ')}`, await tryTool(file, ...args))
}

/** The standard output of what has succeeded, else an error with all that was said. */
export function succeeded(command: string, { code, stdout, stderr }: Outcome): string {
  if (code !== 0) throw new Error(`${command} ended with ${code}:\n${stdout.slice(-4000)}\n${stderr.slice(-8000)}`)
  return stdout
}

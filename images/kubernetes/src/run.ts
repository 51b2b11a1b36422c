import { spawn } from 'node:child_process'

export interface RunOptions {
  readonly cwd?: string
  readonly env?: NodeJS.ProcessEnv
}

/** Runs a program to its end and answers with its output. A failure is told with the last lines of what it said. */
export async function run(program: string, args: readonly string[], { cwd, env }: RunOptions = {}): Promise<string> {
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const out: Buffer[] = []
  const said: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk))
  const code = await new Promise<number | null>((ended, failed) => {
    child.on('error', (cause: NodeJS.ErrnoException) => {
      failed(
        cause.code === 'ENOENT' ? new Error(`The program ${program} is missing on this machine.`, { cause }) : cause,
      )
    })
    child.on('close', ended)
  })
  if (code === 0) return Buffer.concat(out).toString()
  const last = Buffer.concat([...said, ...out])
    .toString()
    .trimEnd()
    .split('\n')
    .slice(-15)
    .join('\n')
  throw new Error(`${program} ${args.slice(0, 3).join(' ')} … ended with ${code ?? 'a signal'}:\n${last}`)
}

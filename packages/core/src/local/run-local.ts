interface LocalOptions {
  readonly signal?: AbortSignal
  readonly input?: string
}

const tailLines = 5

/**
 * Runs a program on this machine and gives its standard output. An abort ends it together with everything it has started. The error that is
 * thrown holds the end of standard error and no arguments: those may be secret.
 */
export async function runLocal(
  file: string,
  args: readonly string[],
  { signal, input = '' }: LocalOptions = {},
): Promise<string> {
  const { execa } = await import('execa') // who never runs a program never loads it
  signal?.throwIfAborted()
  const child = execa(file, args, { detached: true, input, maxBuffer: 64 * 1024 * 1024 })
  const stop = () => endGroup(child.pid)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    return (await child).stdout
  } catch (error) {
    signal?.throwIfAborted()
    const { exitCode, stderr, code } = error as { exitCode?: number; stderr?: string; code?: string }
    if (code === 'ENOENT') throw new Error(`there is no ${file} on this machine`)
    const said = stderr?.trim().split('\n').slice(-tailLines).join('\n') ?? ''
    throw new Error(`${file} exited with ${exitCode ?? 'no code'}: ${said}`)
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

/** Ends a program that leads its process group, with all that it has started. */
export function endGroup(pid: number | undefined, signal: NodeJS.Signals = 'SIGTERM'): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal)
  } catch {} // it has ended by itself
}

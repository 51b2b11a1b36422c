import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tool } from './run-tool.ts'

const bin = join(import.meta.dirname, '../../packages/cli/bin.js')

/** The built command in a home, under GNU time: what it says, and MiB of its largest resident set. */
export async function measuredSealer(
  home: string,
  ...args: readonly string[]
): Promise<{ readonly said: string; readonly memory: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'sealer-measured-'))
  const file = join(folder, 'time')
  try {
    const time = ['/usr/bin/time', '-o', file, '-f', '%M', process.execPath, bin]
    const said = await tool('env', `SEALER_HOME=${home}`, ...time, ...args)
    return { said, memory: Number(await readFile(file, 'utf8')) / 1024 }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

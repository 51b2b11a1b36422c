import { existsSync } from 'node:fs'
import { link, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { keyFile } from './layout.ts'
import { runProgram } from './run-program.ts'

/** Makes the key that opens all local hosts of a home, once, for its owner only. Gives the public half. */
export async function ensureKey(home: string): Promise<string> {
  const file = keyFile(home)
  if (!existsSync(file)) await makeKey(file)
  return await runProgram('ssh-keygen', ['-y', '-f', file])
}

async function makeKey(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const folder = await mkdtemp(join(dirname(file), '.key-'))
  try {
    await runProgram('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'sealer-local', '-f', join(folder, 'key')])
    await link(join(folder, 'key'), file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error // another sealer was faster: its key counts
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

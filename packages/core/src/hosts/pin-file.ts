import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { knownHostLine, withoutHost } from './known-hosts.ts'

/** Writes of this process to one file go one after the other. */
const queues = new Map<string, Promise<void>>()

/** Remembers a host's key in a file of the form of known_hosts; other keys of this host are forgotten. */
export function pinHostKey(file: string, address: string, port: number, key: Buffer): Promise<void> {
  return change(
    file,
    (text) => `${withLineEnd(withoutHost(text, address, port))}${knownHostLine(address, port, key)}\n`,
  )
}

/** A file's text; empty where there is none. */
export async function textOrNothing(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

function change(file: string, edit: (text: string) => string): Promise<void> {
  const before = queues.get(file) ?? Promise.resolve()
  const changed = before.then(async () => {
    const text = await textOrNothing(file)
    const edited = edit(text)
    if (edited !== text) await replace(file, edited)
  })
  const settled = changed.catch(() => {})
  queues.set(file, settled)
  settled.then(() => {
    if (queues.get(file) === settled) queues.delete(file)
  })
  return changed
}

async function replace(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${randomBytes(6).toString('hex')}`
  const handle = await open(temporary, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, file)
}

const withLineEnd = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`)

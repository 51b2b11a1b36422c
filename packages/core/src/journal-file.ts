import { mkdir, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Journal, JournalEntry } from './journal.ts'

/** A journal in one NDJSON file, each entry flushed to the disk before it counts. */
export function journalFile(path: string): Journal {
  return {
    append: async (entry) => {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      const file = await open(path, 'a', 0o600)
      try {
        await file.appendFile(`${JSON.stringify(entry)}\n`)
        await file.datasync()
      } finally {
        await file.close()
      }
    },
    entries: async () => parseJournal(await readFile(path, 'utf8').catch(whenAbsent)),
  }
}

function whenAbsent(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return ''
  throw error
}

/** Every whole line; a line torn by a crash is left out. */
function parseJournal(text: string): JournalEntry[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => {
      try {
        return [JSON.parse(line) as JournalEntry]
      } catch {
        return []
      }
    })
}

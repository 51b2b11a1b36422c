import type { Readable, Writable } from 'node:stream'

type Input = string | Buffer | Readable | undefined

/**
 * Writes a command's input and closes it, at the pace of the far side. A command that ends without reading everything is no failure here:
 * its exit code tells. Throws what the source throws.
 */
export async function feed(stdin: Writable, input: Input): Promise<void> {
  if (input === undefined || typeof input === 'string' || Buffer.isBuffer(input)) {
    stdin.on('error', () => {}) // it ended without reading
    stdin.end(input ?? '')
    return
  }
  let gone = false
  const leave = () => {
    gone = true
    input.destroy()
  }
  stdin.on('error', leave).on('close', leave)
  try {
    for await (const chunk of input) {
      if (gone) return
      if (!stdin.write(chunk)) await roomIn(stdin)
    }
    stdin.end()
  } catch (error) {
    if (!gone) throw error
  }
}

const roomIn = (stdin: Writable): Promise<void> =>
  new Promise((resolve) => {
    const events = ['drain', 'close', 'error'] as const
    const done = () => {
      for (const event of events) stdin.off(event, done)
      resolve()
    }
    for (const event of events) stdin.on(event, done)
  })

import { spawn } from 'node:child_process'
import { z } from 'zod'
import type { Credential } from './credentials.ts'
import { registryErrors } from './registry-errors.ts'

const answerSchema = z.object({ Username: z.string(), Secret: z.string() })
const longest = 60_000
const mostBytes = 64 * 1024

/**
 * Asks a program of docker's credential-helper protocol: `docker-credential-NAME get`, the registry on its input, JSON on its
 * output. Nothing secret is in its arguments. Undefined: it knows no login for this registry.
 * @throws CREDENTIAL_HELPER_FAILED
 */
export async function askHelper(name: string, registry: string): Promise<Credential | undefined> {
  const program = `docker-credential-${name}`
  const failed = (reason: string, cause?: unknown) =>
    registryErrors.CREDENTIAL_HELPER_FAILED({ program, registry, reason }, { cause })
  // The name stands in a file of the user; it must not lead to another folder.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) throw failed('this cannot be the name of a program')
  const { code, output } = await run(
    program,
    registry === 'docker.io' ? 'https://index.docker.io/v1/' : registry,
  ).catch((cause: NodeJS.ErrnoException) => {
    throw failed(cause.code === 'ENOENT' ? 'it is not on PATH' : cause.message, cause)
  })
  if (code !== 0) {
    if (/credentials not found/i.test(output)) return undefined
    throw failed(
      output
        .replace(/[^\x20-\x7e]/g, ' ')
        .trim()
        .slice(0, 200) || `it ended with ${code}`,
    )
  }
  const answer = answerSchema.safeParse(parseMaybe(output))
  if (answer.data === undefined) throw failed('its answer is not the JSON of the protocol') // without a cause: it would quote the secret
  const { Username: user, Secret: secret } = answer.data
  if (secret === '') return undefined
  return user === '<token>' ? { kind: 'refresh-token', token: secret } : { kind: 'password', user, password: secret }
}

function run(program: string, input: string): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'ignore'], timeout: longest })
    let output = ''
    child.stdout.on('data', (piece: Buffer) => {
      output += piece
      if (output.length > mostBytes) child.kill('SIGKILL')
    })
    child.stdin.on('error', () => {}) // it may answer without reading
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output }))
    child.stdin.end(`${input}\n`)
  })
}

function parseMaybe(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

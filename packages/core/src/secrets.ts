import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { errors } from './errors.ts'

/**
 * A secret by reference, never by value: `env:NAME`, `file:PATH`, `prompt` or `prompt:WHAT`, or `value:…` for what a user typed in spite
 * of the warning.
 */
export type SecretRef = string & { readonly __secretRef?: never }

/** Reads secrets and hides them. One instance a run. */
export interface Secrets {
  /**
   * The secret's text; asked at most once per reference.
   * @throws SECRET_UNREADABLE
   */
  read(reference: SecretRef): Promise<string>
  /** Remembers a secret that was made during the run (a token), so that `mask` hides it. */
  remember(secret: string): void
  /** The one place that masks: every remembered secret in the text becomes `***`. */
  mask(text: string): string
}

export interface SecretsOptions {
  /** Asks on a terminal; absent: there is none, and `prompt` is refused. */
  readonly prompt?: (what: string) => Promise<string>
  /** Where `env:NAME` looks. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Shorter ones are not masked: they would blot out every text. */
const shortestMasked = 4
const shortestMaskedLine = 12

export function createSecrets({ prompt, env = {} }: SecretsOptions = {}): Secrets {
  const answers = new Map<SecretRef, Promise<string>>()
  const hidden = new Set<string>()
  let pattern: RegExp | undefined

  const remember = (secret: string) => {
    for (const form of formsOf(secret)) hidden.add(form)
    pattern = undefined
  }
  const readOnce = async (reference: SecretRef) => {
    const secret = await readSecret(reference, prompt, env)
    remember(secret)
    return secret
  }
  return {
    read: (reference) => {
      const answer = answers.get(reference) ?? readOnce(reference)
      answers.set(reference, answer)
      return answer
    },
    remember,
    mask: (text) => {
      if (hidden.size === 0) return text
      pattern ??= anyOf(hidden)
      return text.replace(pattern, '***')
    },
  }
}

async function readSecret(
  reference: SecretRef,
  prompt: SecretsOptions['prompt'],
  env: NonNullable<SecretsOptions['env']>,
): Promise<string> {
  const [kind = '', ...rest] = reference.split(':')
  const what = rest.join(':')
  // A reference of an unknown kind may be a secret itself: only its kind is told.
  const refuse = (shown: string, reason: string, cause?: unknown) =>
    errors.SECRET_UNREADABLE({ reference: shown, reason }, { cause })
  switch (kind) {
    case 'env': {
      const value = env[what]
      if (value === undefined || value === '') throw refuse(reference, 'the environment variable is not set.')
      return value
    }
    case 'file':
      try {
        return (await readFile(what.replace(/^~(?=\/)/, homedir()), 'utf8')).replace(/\r?\n$/, '')
      } catch (cause) {
        throw refuse(reference, `${cause instanceof Error ? cause.message : cause}.`, cause)
      }
    case 'prompt':
      if (prompt === undefined) throw refuse(reference, 'there is no terminal to ask on.')
      return await prompt(what === '' ? 'Password' : what)
    case 'value':
      return what
    default:
      throw refuse('***', 'it is not written as a reference.')
  }
}

/** How a secret may appear in a text: as it is, line by line, encoded for JSON, a URL, or base64. */
function formsOf(secret: string): string[] {
  const lines = secret.split(/\r?\n/)
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(Buffer.from(secret).toString()),
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('base64url'),
    ...(lines.length > 1 ? lines.filter((line) => line.length >= shortestMaskedLine) : []),
  ].filter((form) => secret.length >= shortestMasked && form.length >= shortestMasked)
}

/** Longest first, so that a secret inside another one does not leave the rest of it bare. */
function anyOf(texts: ReadonlySet<string>): RegExp {
  const longestFirst = [...texts].toSorted((a, b) => b.length - a.length)
  return new RegExp(longestFirst.map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')).join('|'), 'g')
}

import { PassThrough, Readable } from 'node:stream'
import type { Plan, RunEvent, Sealer, StoredImage, Wish } from '@sealer/core'
import { runCli } from './cli.ts'
import type { CliContext, SealerRequest } from './context.ts'

/** What a command said and asked, for tests. */
export interface FakeContext extends CliContext {
  readonly out: () => string
  readonly err: () => string
  readonly requests: readonly SealerRequest[]
}

/** A terminal of strings around a fake sealer. */
export function fakeContext(
  sealer: Partial<Sealer> = {},
  changes: Partial<CliContext> & { readonly stdin?: string; readonly answer?: boolean } = {},
): FakeContext {
  const said = { out: '', err: '' }
  const requests: SealerRequest[] = []
  const { stdin = '', answer, ...rest } = changes
  return {
    signal: new AbortController().signal,
    home: '/nowhere',
    env: {},
    terminal: {
      interactive: answer !== undefined,
      live: false,
      columns: 80,
      stdin: Readable.from([Buffer.from(stdin)]),
      output: new PassThrough(),
      stdout: (text) => {
        said.out += String(text)
      },
      stderr: (text) => {
        said.err += String(text)
      },
    },
    questions: {
      password: async () => 'asked',
      confirm: async () => answer ?? false,
    },
    openSealer: async (request) => {
      requests.push(request)
      return {
        [Symbol.asyncDispose]: async () => {},
        clusters: async () => [lab],
        cluster: async () => lab,
        images: { admit: async () => {}, store: { resolve: async () => dashboard } } as never,
        ...sealer,
      } as Sealer
    },
    mask: (text) => text.replaceAll('s3cret', '***'),
    format: 'text',
    colour: false,
    debug: false,
    insecureUnsigned: false,
    exitCode: 0,
    ...rest,
    out: () => said.out,
    err: () => said.err,
    requests,
  }
}

/** Runs a command line as a user would type it, words by blanks. */
export async function type(line: string, context: CliContext): Promise<number> {
  return await runCli(
    line.split(' ').filter((word) => word !== ''),
    context,
  )
}

export const lab = {
  name: 'lab',
  image: 'dashboard:v1',
  digest: `sha256:${'a'.repeat(64)}`,
  runtime: 'kubernetes',
  infra: 'baremetal',
  hosts: [{ name: 'm1', address: '10.0.0.1', roles: ['master'] }],
  created: 0,
  runtimeOptions: {},
  infraOptions: {},
  registry: { fallback: 'upstream', port: 5000 },
} as const

export const dashboard: StoredImage = {
  reference: 'docker.io/library/dashboard:v1',
  digest: `sha256:${'b'.repeat(64)}`,
  platforms: [{ os: 'linux', architecture: 'amd64' }],
  size: 412_000_000,
  created: 0,
}

export const plan: Plan = {
  cluster: 'lab',
  operation: 'install',
  steps: [
    { id: 'send/m1', title: 'Send what the host lacks', host: 'm1', after: [], bytes: 300_000_000 },
    { id: 'send/n1', title: 'Send what the host lacks', host: 'n1', after: [], bytes: 100_000_000 },
    { id: 'launch/web', title: 'Launch web', after: ['send/m1'] },
  ],
  skipped: [{ id: 'join/n1', title: 'Join the cluster', host: 'n1', after: [], reason: 'already joined' }],
  hash: 'sha256:0',
}

/** A sealer whose `apply` tells these events and keeps the wish. */
export function applying(events: readonly RunEvent[], wishes: Wish[] = []): Partial<Sealer> {
  return {
    apply: async (wish, { onEvent } = {}) => {
      wishes.push(wish)
      for (const event of events) onEvent?.(event)
      return {
        cluster: 'lab',
        run: 'r1',
        status: { state: 'ready', version: 'v1.34.4', nodes: [] },
        steps: ['a'],
        milliseconds: 61_000,
      }
    },
    plan: async (wish) => {
      wishes.push(wish)
      return plan
    },
  }
}

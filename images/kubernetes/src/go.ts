import { join } from 'node:path'
import { goBinary } from '../../../scripts/go-toolchain.mjs'
import { run } from './run.ts'

/** The Go toolchain that builds parts. */
export interface Go {
  readonly program: string
  /** As `go version` says it, e.g. `go1.26.8`; part of every key, because another compiler makes other bytes. */
  readonly version: string
}

export async function findGo(): Promise<Go> {
  const program = await goBinary((text) => console.error(text))
  const version = (await run(program, ['env', 'GOVERSION'], { env: goEnvironment({}) })).trim()
  return { program, version }
}

/**
 * The machine's own settings for fetching modules (proxy, caches) are kept; what would change the result is not.
 * `SEALER_CACHE` moves Go's caches too, unless they have been placed by their own variables.
 */
export function goEnvironment(own: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const cache = process.env.SEALER_CACHE || undefined
  const caches = cache === undefined ? {} : { GOCACHE: join(cache, 'go-build'), GOMODCACHE: join(cache, 'go-mod') }
  const { GOAMD64: _amd64, GOARM64: _arm64, GOEXPERIMENT: _experiment, CGO_CFLAGS: _flags, ...machine } = process.env
  return { ...caches, ...machine, GOFLAGS: '', GOWORK: 'off', GOOS: 'linux', ...own }
}

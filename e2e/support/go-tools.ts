import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheFolder } from '../../scripts/folders.mjs'
import { goBinary } from '../../scripts/go-toolchain.mjs'

const run = promisify(execFile)

/** Programs of others that read and write images, built from their Go modules; Go checks those against its checksum database. */
const tools = {
  crane: { package: 'github.com/google/go-containerregistry/cmd/crane', version: 'v0.22.1' },
  oras: { package: 'oras.land/oras/cmd/oras', version: 'v1.3.6' },
} as const

/** Path of such a program; built once into the cache, which takes a minute or two. */
export async function goTool(name: keyof typeof tools): Promise<string> {
  const { package: path, version } = tools[name]
  const cache = cacheFolder()
  const folder = join(cache, 'tools', `${name}-${version}`)
  const program = join(folder, name)
  if (existsSync(program)) return program
  const draft = `${folder}.${process.pid}`
  const go = { GOBIN: draft, GOCACHE: join(cache, 'go-build'), GOMODCACHE: join(cache, 'go-mod'), GOTOOLCHAIN: 'local' }
  try {
    await mkdir(draft, { recursive: true })
    const env = { ...process.env, ...go, GOFLAGS: '-modcacherw' }
    await run(await goBinary(console.log), ['install', `${path}@${version}`], { cwd: '/', env })
    await rename(draft, folder)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
  return program
}

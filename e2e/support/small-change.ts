import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import * as assert from 'uvu/assert'
import { rejection } from '../../packages/core/src/testing/rejection.ts'
import { measuredSealer } from './measured.ts'
import { startRegistry, startRelay } from './registry.ts'

const MiB = 1024 * 1024

/** Changes one file, in an instruction of its own, of an image of so many MiB: what is written, sent and saved is little more than the file. */
export async function changeAFew(imageMiB: number, changeMiB: number): Promise<void> {
  const world = await mkdtemp(join(tmpdir(), 'sealer-change-'))
  await using registry = await startRegistry()
  await using relay = await startRelay(registry.host)
  try {
    const context = join(world, 'context')
    const home = join(world, 'home')
    const site = join(world, 'site')
    const name = (version: string) => `${relay.host}/change/app:${version}`
    await mkdir(join(context, 'large'), { recursive: true })
    for (let at = 0; at < 8; at++) await randomFile(join(context, 'large', `part-${at}`), (imageMiB / 8) * MiB)
    await writeFile(
      join(context, 'Kubefile'),
      'FROM scratch\nCOPY large opt/large\nCOPY small opt/small\nCMDS ["true"]\n',
    )
    await randomFile(join(context, 'small'), changeMiB * MiB)
    await measuredSealer(home, 'build', '-t', name('v1'), context)
    await measuredSealer(home, 'push', name('v1'))
    await measuredSealer(home, 'save', name('v1'), '-o', join(world, 'v1.tar'))
    await measuredSealer(site, 'load', join(world, 'v1.tar'))
    await rm(join(world, 'v1.tar'))

    await randomFile(join(context, 'small'), changeMiB * MiB)
    const before = { home: await bytesIn(home), sent: relay.sent() }
    const built = await measuredSealer(home, 'build', '-t', name('v2'), context)
    await few('written', (await bytesIn(home)) - before.home, changeMiB)
    const pushed = await measuredSealer(home, 'push', name('v2'))
    await few('pushed', relay.sent() - before.sent, changeMiB)
    const delta = join(world, 'delta.tar')
    await measuredSealer(home, 'save', name('v2'), '--since', name('v1'), '-o', delta)
    await few('saved', (await stat(delta)).size, changeMiB)

    const digest = /sha256:[0-9a-f]{64}/.exec(built.said)?.[0] ?? 'no digest'
    assert.match(pushed.said, digest)
    assert.match((await measuredSealer(site, 'load', delta)).said, digest)
    const elsewhere = measuredSealer(join(world, 'elsewhere'), 'load', delta)
    assert.match((await rejection<Error>(elsewhere)).message, 'DELTA_BASE_MISSING')
  } finally {
    await rm(world, { recursive: true, force: true })
  }
}

async function few(what: string, bytes: number, changeMiB: number): Promise<void> {
  const ratio = bytes / (changeMiB * MiB)
  console.log(`${what}: ${bytes} bytes, ${ratio.toFixed(4)} of the change`)
  assert.ok(ratio <= 1.05, `${what} are ${bytes} bytes, ${ratio.toFixed(3)} of the change`)
}

const randomFile = (path: string, bytes: number): Promise<void> =>
  pipeline(Readable.from(pieces(bytes)), createWriteStream(path))

function* pieces(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= MiB) yield randomBytes(Math.min(left, MiB))
}

/** Bytes of all files: the store, and what builds have noted. */
async function bytesIn(folder: string): Promise<number> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((file) => file.isFile())
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(file.parentPath, file.name))).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

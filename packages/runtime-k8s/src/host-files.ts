import { createHash } from 'node:crypto'
import type { Host, HostView } from '@sealer/core'

/** A file that a step writes, known before it is written. */
export interface HostFile {
  readonly path: string
  readonly content: string
  /** Permission bits, 0o644 when nothing is said. */
  readonly mode?: number
}

/** Whether all files stand on the host with this content; asked in one round trip. */
export async function haveFiles(view: HostView, files: readonly HostFile[]): Promise<boolean> {
  const { stdout } = await view.inquire({ argv: ['sha256sum', ...files.map(({ path }) => path)], accept: [0, 1] })
  const digests = new Map(stdout.split('\n').map((line) => [line.slice(66), line.slice(0, 64)]))
  return files.every(({ path, content }) => digests.get(path) === createHash('sha256').update(content).digest('hex'))
}

/** Writes the files that differ. */
export async function writeFiles(host: Host, files: readonly HostFile[]): Promise<void> {
  for (const { path, content, mode } of files) await host.write(path, content, mode === undefined ? {} : { mode })
}

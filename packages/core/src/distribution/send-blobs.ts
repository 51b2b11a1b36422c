import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pack } from 'tar-stream'
import type { BlobDescriptor } from '../image/cluster-config.ts'
import type { ImageStore } from '../image/image-store.ts'
import type { Work } from '../step.ts'
import { errors } from './errors.ts'
import { type Missing, missingBlobs } from './inventory.ts'
import { blobsRoot, hexOf, incoming } from './paths.ts'

// Puts what has arrived at its place: a continued blob is appended to its beginning, every blob is verified before it can be seen, a damaged
// one is thrown away and named. $1 incoming, $2 store. Standard input: hex and size of every blob that is needed.
const settle = `
set -e
cd "$1"
for part in *.rest; do
  [ -e "$part" ] || continue
  cat "$part" >>"\${part%.rest}" && rm "$part"
done
while read -r hex size; do
  p=$(printf %.2s "$hex"); place="$2/$p/$hex/data"
  if [ -e "$hex" ]; then file=$hex; elif [ -e "$place" ]; then file=$place; else echo "missing $hex"; continue; fi
  if [ "$(stat -c %s "$file")" = "$size" ] && [ "$(sha256sum "$file" | cut -c1-64)" = "$hex" ]; then
    [ "$file" = "$place" ] || { mkdir -p "\${place%/data}"; mv "$file" "$place"; }
  else
    echo "damaged $hex"; rm -f "$file"
  fi
done`

/**
 * Sends the blobs that a host lacks as one stream and verifies every needed one at its place, those that were there before too.
 * A damaged one is fetched again, once. What has arrived when a run dies is continued by the next.
 * @throws BLOBS_DAMAGED when a blob is wrong a second time
 */
export async function sendBlobs(work: Work, blobs: readonly BlobDescriptor[], store: ImageStore): Promise<void> {
  const bad = await attempt(work, blobs, store)
  if (bad.length === 0) return
  work.say(`${bad.length} damaged blobs are sent again`)
  const still = await attempt(work, blobs, store)
  if (still.length > 0) throw errors.BLOBS_DAMAGED({ host: work.host.name, digests: still.join(', ') })
}

async function attempt(work: Work, blobs: readonly BlobDescriptor[], store: ImageStore): Promise<readonly string[]> {
  const { host, signal } = work
  const missing = await missingBlobs(host, blobs)
  await host.exec('mkdir', '-p', incoming, blobsRoot)
  if (missing.length > 0) await stream(work, missing, store)
  const { stdout } = await host.run({
    argv: ['sh', '-c', settle, 'settle', incoming, blobsRoot],
    input: blobs.map((blob) => `${hexOf(blob.digest)} ${blob.size}\n`).join(''),
    signal,
  })
  return stdout.split('\n').filter((line) => line !== '')
}

/** One tar stream: small blobs cost no round trip each. A blob whose beginning has arrived travels as `HEX.rest`. */
async function stream(work: Work, missing: readonly Missing[], store: ImageStore): Promise<void> {
  const archive = pack()
  let moved = 0
  const feeding = (async () => {
    for (const { blob, arrived } of missing) {
      const name = arrived > 0 ? `${hexOf(blob.digest)}.rest` : hexOf(blob.digest)
      const entry = archive.entry({ name, size: blob.size - arrived, mode: 0o644 })
      const source = store.open(blob, arrived)
      source.on('data', (chunk: Buffer) => {
        moved += chunk.length
        work.progress(moved)
      })
      await pipeline(source, entry, { signal: work.signal })
    }
    archive.finalize()
  })()
  feeding.catch((error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))))
  await work.host.send(Readable.from(archive), 'tar', '-x', '-f', '-', '-C', incoming, '--no-same-owner')
  await feeding
}

import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pack } from 'tar-stream'
import type { Turns } from '../hosts/turns.ts'
import type { BlobDescriptor } from '../image/cluster-config.ts'
import type { ImageStore } from '../image/image-store.ts'
import type { Work } from '../step.ts'
import { sumFunction } from './checksum.ts'
import { errors } from './errors.ts'
import { fetchBlobs, type Peers } from './fetch-blobs.ts'
import { type Missing, missingBlobs } from './inventory.ts'
import { blobsRoot, hexOf, incoming } from './paths.ts'

// Puts what has arrived at its place: a continued blob is appended to its beginning, every blob is verified before it can be seen, a damaged
// one is thrown away. Names what is not right: "missing", "part" (its beginning stays) or "damaged", and its hex. $1 incoming, $2 store. Standard
// input: hex and size of every blob that is needed.
const settle = `
set -e${sumFunction}
cd "$1"
for part in *.rest; do
  [ -e "$part" ] || continue
  cat "$part" >>"\${part%.rest}" && rm "$part"
done
while read -r hex size; do
  p=$(printf %.2s "$hex"); place="$2/$p/$hex/data"
  if [ -e "$hex" ]; then file=$hex; elif [ -e "$place" ]; then file=$place; else echo "missing $hex"; continue; fi
  has=$(stat -c %s "$file")
  if [ "$has" = "$size" ] && [ "$(sum <"$file")" = "$hex" ]; then
    [ "$file" = "$place" ] || { mkdir -p "\${place%/data}"; mv "$file" "$place"; }
  elif [ "$file" = "$hex" ] && [ "$has" -lt "$size" ]; then
    echo "part $hex"
  else
    echo "damaged $hex"; rm -f "$file"
  fi
done`

/** Where blobs come from. */
export interface Sources {
  readonly store: ImageStore
  /** Hosts to ask first. */
  readonly peers: Peers
  /** Who may use the operator's link now, among those whose peers failed them. */
  readonly uplink: Turns
}

/**
 * Brings the blobs that a host lacks, from its peers where it has any and else from here as one stream, and verifies every needed one at its
 * place, those that were there before too. A damaged one is sent again, once. What has arrived when a peer or a run dies is continued.
 * @throws BLOBS_DAMAGED when a blob is wrong a second time
 */
export async function sendBlobs(work: Work, blobs: readonly BlobDescriptor[], sources: Sources): Promise<void> {
  const { host, signal } = work
  await host.exec('mkdir', '-p', incoming, blobsRoot)
  if (sources.peers.hosts.length > 0) {
    const reason = await fetchBlobs(work, await missingBlobs(host, blobs), sources.peers)
    const lacking = await settled(work, blobs)
    if (lacking.length === 0) return
    const why = reason === '' ? '' : ` (${reason})`
    work.say(`${lacking.length} blobs did not come from ${names(sources.peers)}${why} and are sent from here`)
  }
  const done = sources.peers.hosts.length > 0 ? await sources.uplink.take(signal) : () => {}
  try {
    const bad = await attempt(work, blobs, sources.store)
    if (bad.length === 0) return
    work.say(`${bad.length} damaged blobs are sent again`)
    const still = await attempt(work, blobs, sources.store)
    if (still.length > 0) throw errors.BLOBS_DAMAGED({ host: host.name, digests: still.join(', ') })
  } finally {
    done()
  }
}

const names = ({ hosts }: Peers): string => hosts.map(({ name }) => name).join(' or ')

async function attempt(work: Work, blobs: readonly BlobDescriptor[], store: ImageStore): Promise<readonly string[]> {
  const missing = await missingBlobs(work.host, blobs)
  if (missing.length > 0) await stream(work, missing, store)
  return await settled(work, blobs)
}

/** What is not right at its place, after everything that is has been put there. */
async function settled({ host, signal }: Work, blobs: readonly BlobDescriptor[]): Promise<readonly string[]> {
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

import type { HostView } from '../hosts/host.ts'
import type { BlobDescriptor } from '../image/cluster-config.ts'
import { blobsRoot, hexOf, incoming } from './paths.ts'

/** What a host lacks of a list of blobs. */
export interface Missing {
  readonly blob: BlobDescriptor
  /** Bytes that have arrived in an earlier run and need not be sent again. */
  readonly arrived: number
}

// For each digest on standard input: its hex, the size of the blob in the store and of what has arrived of it; -1 where there is none.
const script = `
size() { stat -c %s "$1" 2>/dev/null || echo -1; }
while read -r hex; do
  p=$(printf %.2s "$hex")
  echo "$hex $(size "$1/$p/$hex/data") $(size "$2/$hex")"
done`

/** Asks once, in one round trip, which of these blobs a host lacks, in the order given, each named once. */
export async function missingBlobs(host: HostView, blobs: readonly BlobDescriptor[]): Promise<readonly Missing[]> {
  const wanted = onceEach(blobs)
  if (wanted.length === 0) return []
  const { stdout } = await host.inquire({
    argv: ['sh', '-c', script, 'inventory', blobsRoot, incoming],
    input: wanted.map((blob) => `${hexOf(blob.digest)}\n`).join(''),
  })
  const sizes = new Map(
    stdout.split('\n').map((line) => {
      const [hex, stored, arrived] = line.split(' ')
      return [hex, { stored: Number(stored), arrived: Number(arrived) }] as const
    }),
  )
  return wanted.flatMap((blob) => {
    const size = sizes.get(hexOf(blob.digest))
    if (size?.stored === blob.size) return []
    const arrived = size !== undefined && size.arrived > 0 && size.arrived < blob.size ? size.arrived : 0
    return [{ blob, arrived }]
  })
}

export function onceEach(blobs: readonly BlobDescriptor[]): readonly BlobDescriptor[] {
  return [...new Map(blobs.map((blob) => [blob.digest, blob])).values()]
}

/** Bytes that have yet to travel. */
export const bytesOf = (missing: readonly Missing[]): number =>
  missing.reduce((sum, { blob, arrived }) => sum + blob.size - arrived, 0)

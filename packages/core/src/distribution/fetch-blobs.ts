import type { HostView } from '../hosts/host.ts'
import { plainText } from '../hosts/output-lines.ts'
import type { Work } from '../step.ts'
import type { Missing } from './inventory.ts'
import { clusterPaths, hexOf, incoming } from './paths.ts'
import { sharedRepository } from './registry-names.ts'
import { urlHost } from './registry-service.ts'

/** Hosts that have blobs before another one does, and what that one needs to ask them. */
export interface Peers {
  readonly cluster: string
  /** In the order to ask. */
  readonly hosts: readonly HostView[]
  /** Port of their registries. */
  readonly port: number
}

// Fetches blobs into the folder $1 with the authority $2, certificate $3 and key $4 from the first of the repositories $5… that has them.
// Standard input: hex and size of each. What a peer did not give is asked of the next; what breaks off stays, to be continued. One
// connection carries them all. No file may grow past the largest blob, whatever a peer sends. Tells how many bytes are there, each second.
export const fetchScript = `
cd "$1" && ca=$2 cert=$3 key=$4 && shift 4 || exit 1
blobs=$(cat)
command -v curl >/dev/null || { echo "it has no curl" >&2; exit 0; }
ulimit -f $(($(echo "$blobs" | sort -k2 -n | tail -n 1 | cut -d ' ' -f 2) / 512 + 1))
have() { stat -c %s "$1" 2>/dev/null || echo 0; }
open() { echo "$blobs" | while read -r hex size; do [ "$(have "$hex")" -ge "$size" ] || echo "$hex"; done; }
there() { sum=0; for hex in $(echo "$blobs" | cut -d ' ' -f 1); do sum=$((sum + $(have "$hex"))); done; echo "at $sum"; }
(while sleep 1 >/dev/null 2>&1; do there; done) & watching=$!
for repository; do
  left=$(open)
  [ -n "$left" ] || break
  for hex in $left; do printf 'url = "%s/blobs/sha256:%s"\\noutput = "%s"\\n' "$repository" "$hex" "$hex"; done |
    curl -q --config - --silent --show-error --fail --continue-at - --noproxy '*' --cacert "$ca" --cert "$cert" --key "$key" \\
      --connect-timeout 5 --speed-limit 1024 --speed-time 5
done
kill $watching 2>/dev/null
there
exit 0`

/**
 * Lets a host fetch blobs from hosts that have them, with its client certificate. What it gets is neither whole nor right until the caller has
 * verified it. Fails only when the host itself does not answer: whoever cannot reach its peers has got nothing. Gives the last reason why something did
 * not come, else nothing.
 */
export async function fetchBlobs(work: Work, missing: readonly Missing[], peers: Peers): Promise<string> {
  const { host, signal } = work
  const paths = clusterPaths(peers.cluster)
  const before = missing.reduce((sum, { arrived }) => sum + arrived, 0)
  const repositories = peers.hosts.map(
    ({ address }) => `https://${urlHost(address)}:${peers.port}/v2/${sharedRepository}`,
  )
  let reason = ''
  await host.run({
    argv: [
      ...['sh', '-c', fetchScript, 'fetch', incoming, paths.ca, paths.clientCertificate, paths.clientKey],
      ...repositories,
    ],
    input: missing.map(({ blob }) => `${hexOf(blob.digest)} ${blob.size}\n`).join(''),
    signal,
    onLine: (line, stream) => {
      if (stream === 'stderr') reason = plainText(line).slice(0, 200)
      const at = stream === 'stdout' ? /^at (\d+)$/.exec(line)?.[1] : undefined
      if (at !== undefined) work.progress(Math.max(0, Number(at) - before))
    },
  })
  return reason
}

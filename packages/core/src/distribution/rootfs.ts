import type { HostView } from '../hosts/host.ts'
import type { PlatformImage, RootfsLayer } from '../image/cluster-config.ts'
import type { Step } from '../step.ts'
import { sumFunction } from './checksum.ts'
import { errors } from './errors.ts'
import { blobFolder, clusterPaths, dataRoot, hexOf, imageFolder, layerFolder } from './paths.ts'

const decompressors: Readonly<Record<string, string>> = {
  'application/vnd.oci.image.layer.v1.tar+gzip': 'gzip -dc',
  'application/vnd.docker.image.rootfs.diff.tar.gzip': 'gzip -dc',
  'application/vnd.oci.image.layer.v1.tar+zstd': 'zstd -dc',
  'application/vnd.oci.image.layer.v1.tar': 'cat',
}

// Unpacks each layer once and checks its diff ID. Lines of standard input: hex of the diff ID, decompressor, path of the blob. Layers of one
// image are independent: they are unpacked side by side. Only the lowest is waited for where it is small: it may bring a gzip that is faster
// than the host's, and runs there (lib/igzip/igzip).
export const unpackScript = `
set -e${sumFunction}
layers=$1; mkdir -p "$layers"
gunzip='gzip -dc'
learn() { if "$1/lib/igzip/igzip" --version >/dev/null 2>&1; then gunzip="$1/lib/igzip/igzip -d -c"; fi; }
one() {
  rm -rf "$layers/$1.new"; mkdir "$layers/$1.new"
  mkfifo "$layers/$1.pipe"
  sum <"$layers/$1.pipe" >"$layers/$1.sum" & summing=$!
  $2 "$3" | tee "$layers/$1.pipe" | tar -x -p --numeric-owner -f - -C "$layers/$1.new"
  wait $summing
  rm "$layers/$1.pipe"; is=$(cat "$layers/$1.sum"); rm "$layers/$1.sum"
  [ "$is" = "$1" ] || { echo "layer $1 unpacks to $is" >&2; rm -rf "$layers/$1.new"; return 1; }
  mv "$layers/$1.new" "$layers/$1"
}
pids= lowest=yes
while read -r hex how blob; do
  was=$lowest lowest=
  if [ -d "$layers/$hex" ]; then [ -z "$was" ] || learn "$layers/$hex"; continue; fi
  rm -f "$layers/$hex.pipe"
  command -v "$how" >/dev/null || { echo "this host has no $how: install it, or build the image with gzip layers" >&2; exit 1; }
  case $how in gzip) how=$gunzip;; zstd) how='zstd -dc';; esac
  one "$hex" "$how" "$blob" & pid=$!
  if [ -n "$was" ] && [ "$(stat -c %s "$blob")" -lt 4000000 ]; then wait $pid; learn "$layers/$hex"
  else pids="$pids $pid"; fi
done
for pid in $pids; do wait "$pid"; done`

// Composes the layers into $1, lowest first, as hard links: no byte is copied. Whiteouts (image-spec, layer.md) are applied by us, and only inside
// the rootfs: a link in a lower layer cannot lead one out of it.
export const composeScript = `
set -e
target=$1; shift
rm -rf "$target.new"; mkdir -p "$target.new"
root=$(cd "$target.new" && pwd -P)
for layer in "$@"; do
  (cd "$layer" && find . -name '.wh.*') | while IFS= read -r mark; do
    folder=$(dirname "$mark"); name=$(basename "$mark")
    real=$(cd "$root/$folder" 2>/dev/null && pwd -P) || continue
    case $real in "$root"|"$root"/*) ;; *) echo "whiteout leaves the rootfs: $mark" >&2; exit 1;; esac
    if [ "$name" = .wh..wh..opq ]; then find "$real" -mindepth 1 -maxdepth 1 -exec rm -rf {} +
    else rm -rf "$real/\${name#.wh.}"; fi
  done
  cp -al "$layer/." "$root/"
  find "$root" -name '.wh.*' -exec rm -rf {} +
done
rm -rf "$target"; mv "$root" "$target"`

// Points the cluster's link to the rootfs in one rename.
const point = `set -e; mkdir -p "$(dirname "$2")"; ln -sfn "$1" "$2.new"; mv -T "$2.new" "$2"`

/** Id of the step after which a host has its rootfs. */
export const rootfsStep = (host: HostView): string => `rootfs/${host.name}`

/** Makes the rootfs out of blobs that have arrived, and switches the cluster to it atomically. */
export function composeRootfs(host: HostView, cluster: string, image: PlatformImage, after: readonly string[]): Step {
  const folder = imageFolder(image.rootfs)
  const { rootfs } = clusterPaths(cluster)
  return {
    id: rootfsStep(host),
    title: 'Compose the rootfs',
    host,
    after,
    skip: async () => {
      const target = await host.inquire({ argv: ['readlink', '-f', rootfs], accept: [0, 1] })
      return target.stdout.trim() === folder && (await host.has(folder)) ? 'has this rootfs' : undefined
    },
    do: async ({ host, signal }) => {
      await host.run({
        argv: ['sh', '-c', unpackScript, 'unpack', `${dataRoot}/layers`],
        input: image.layers.map(lineOf).join(''),
        signal,
      })
      await host.exec(
        'sh',
        '-c',
        composeScript,
        'compose',
        folder,
        ...image.layers.map((layer) => layerFolder(layer.diffId)),
      )
      await host.exec('sh', '-c', point, 'point', folder, rootfs)
    },
  }
}

function lineOf({ blob, diffId }: RootfsLayer): string {
  const how = decompressors[blob.mediaType]
  if (how === undefined) throw errors.LAYER_FORMAT_UNSUPPORTED({ mediaType: blob.mediaType, digest: blob.digest })
  return `${hexOf(diffId)} ${how.split(' ')[0]} ${blobFolder(blob.digest)}/data\n`
}

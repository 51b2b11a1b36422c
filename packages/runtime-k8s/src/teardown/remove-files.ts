import type { Host } from '@sealer/core'
import { type Found, ownFolders, sharedFolders } from '../found.ts'
import { withoutBlock } from '../hosts-file.ts'
import { kernelFiles, replaceHosts } from '../steps/prepare.ts'

/** Takes units, links, settings and folders of the cluster away, and puts back what was changed. */
export async function removeFiles(
  host: Host,
  place: { readonly cluster: string; readonly rootfs: string },
  found: Found | undefined,
): Promise<void> {
  await host.run({ argv: ['systemctl', 'disable', '--quiet', 'kubelet', 'containerd'], accept: [0, 1] })
  const units = ['kubelet', 'containerd'].map((name) => `/etc/systemd/system/${name}.service`)
  await host.run({ argv: ['rm', '-f', ...units, ...kernelFiles(place).map(({ path }) => path)] })
  await host.exec('systemctl', 'daemon-reload')
  await host.run({ argv: ['systemctl', 'reset-failed', 'kubelet', 'containerd'], accept: [0, 1, 5] })
  await host.run({ argv: ['sh', '-c', unlink, 'sh', place.rootfs] })
  await emptyFolders(host, found)
  await restoreSysctls(host, found)
  const names = await host.read('/etc/hosts')
  if (names !== undefined && names !== withoutBlock(names, place.cluster))
    await replaceHosts(host, withoutBlock(names, place.cluster))
}

/** Our links, and copies of our network configuration. */
const unlink = `
for link in /usr/local/bin/* /opt/cni/bin/*; do
  [ -L "$link" ] || continue
  case $(readlink "$link") in "$1"/*) rm -f "$link" ;; esac
done
for file in "$1"/cni/net.d/*; do
  copy=/etc/cni/net.d/\${file##*/}
  if [ -f "$file" ] && [ -f "$copy" ] && [ "$(sha256sum <"$file")" = "$(sha256sum <"$copy")" ]; then rm -f "$copy"; fi
done
rm -rf /etc/containerd/certs.d
[ ! -f /etc/containerd/config.toml ] || rm -f /etc/containerd/config.toml
exit 0`

/**
 * A folder that was not there goes; one that was empty is empty again; one that held things before keeps what it holds. A folder that is a mount
 * of its own can only be emptied.
 */
async function emptyFolders(host: Host, found: Found | undefined): Promise<void> {
  const paths = found?.paths ?? {}
  const own = ownFolders.flatMap((path) =>
    paths[path] === 'absent' || paths[path] === 'empty' ? [paths[path], path] : [],
  )
  if (own.length > 0) await host.run({ argv: ['sh', '-c', emptyScript, 'sh', ...own] })
  const shared = sharedFolders.filter((path) => paths[path] === 'absent')
  if (shared.length > 0) await host.run({ argv: ['rmdir', '--ignore-fail-on-non-empty', ...shared], accept: [0, 1] })
}

const emptyScript = `
while [ $# -gt 1 ]; do
  if [ -d "$2" ]; then
    for entry in "$2"/* "$2"/.[!.]* "$2"/..?*; do
      [ ! -e "$entry" ] && [ ! -L "$entry" ] || rm -rf --one-file-system "$entry"
    done
    [ "$1" = empty ] || rmdir "$2" 2>/dev/null
  elif [ "$1" = absent ]; then rm -f "$2"; fi
  shift 2
done
exit 0`

async function restoreSysctls(host: Host, found: Found | undefined): Promise<void> {
  const pairs = Object.entries(found?.sysctls ?? {}).flat()
  if (pairs.length > 0) await host.run({ argv: ['sh', '-c', restoreScript, 'sh', ...pairs] })
}

/** What cannot be written is not ours to write. */
const restoreScript = `
while [ $# -gt 1 ]; do
  { [ "$(cat "/proc/sys/$1")" = "$2" ] || printf %s "$2" >"/proc/sys/$1"; } 2>/dev/null
  shift 2
done
exit 0`

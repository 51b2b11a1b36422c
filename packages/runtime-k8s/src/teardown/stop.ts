import type { Host } from '@sealer/core'
import { pidFile } from '../kubeadm/kubeadm.ts'

/** Ends a kubeadm that an earlier, killed run has left working, then the kubelet and everything that pods run. containerd stays. */
export async function stopPods(host: Host, signal: AbortSignal): Promise<void> {
  await host.run({ argv: ['sh', '-c', endKubeadm, 'sh', pidFile], signal })
  await host.run({ argv: ['systemctl', 'stop', 'kubelet'], accept: [0, 5], signal })
  await host.run({ argv: ['sh', '-c', killPods], signal })
}

/** Stops containerd and what keeps its containers. */
export async function stopContainerd(host: Host, signal: AbortSignal): Promise<void> {
  await host.run({ argv: ['systemctl', 'stop', 'containerd'], accept: [0, 5], signal })
  await host.run({ argv: ['sh', '-c', killPods], signal })
  await host.run({ argv: ['sh', '-c', killShims], signal })
  // With systemd as the owner of cgroups, the slices of pods are units; empty by now.
  await host.run({ argv: ['systemctl', 'stop', 'kubepods.slice'], accept: [0, 5], signal })
  await host.run({ argv: ['sh', '-c', removeGroups], signal })
}

/** Only a process that still is kubeadm: its id may have been given to another one since. */
const endKubeadm = `
[ -r "$1" ] || exit 0
pid=$(cat "$1")
case $(readlink "/proc/$pid/exe" 2>/dev/null) in */kubeadm) kill -KILL "$pid" ;; esac
rm -f "$1"`

/** A few rounds: a shim may start another process while the first ones are killed. */
const killPods = `
for round in 1 2 3 4 5 6 7 8 9 10; do
  found=
  for process in /proc/[0-9]*; do
    while read -r group; do
      case $group in *kubepods*) kill -KILL "\${process#/proc/}" 2>/dev/null && found=yes ;; esac
    done <"$process/cgroup" 2>/dev/null
  done 2>/dev/null
  [ -n "$found" ] || exit 0
  sleep 0.2
done
exit 0`

const killShims = `
for process in /proc/[0-9]*; do
  case $(readlink "$process/exe" 2>/dev/null) in
    /var/lib/sealer/*/containerd-shim-runc-v2*) kill -KILL "\${process#/proc/}" 2>/dev/null ;;
  esac
done
exit 0`

const removeGroups = `
find /sys/fs/cgroup -depth -type d -path '*kubepods*' -exec rmdir {} + 2>/dev/null
exit 0`

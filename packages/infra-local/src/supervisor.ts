import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { setTimeout } from 'node:timers/promises'
import { isUnified } from './cgroups.ts'
import { containerdFolder } from './disk.ts'
import type { HostPlaces } from './layout.ts'
import { namespaceFile } from './layout.ts'
import { isAlive, readMark } from './process-mark.ts'

/**
 * Starts nspawn and, when the host reboots itself, starts it again: told to keep to our cgroup (--keep-unit) nspawn does not
 * loop by itself but ends with 133. A power-off ends the loop.
 *
 * $1 mark, $2 groups, $3 root, $4 name, $5 namespace, $6 folder for containerd, $7 own groups or the unit's
 */
const program = `
trap '' HUP
read -r stat </proc/$$/stat
read -r boot </proc/sys/kernel/random/boot_id
mark=$1 groups=$2 root=$3 name=$4 namespace=$5 containerd=$6 owner=$7
set -- \${stat##*) }
printf '{"pid":%s,"started":"%s","boot":"%s"}\\n' "$$" "\${20}" "$boot" >"$mark.new" && mv "$mark.new" "$mark" || exit 1
if [ "$owner" = unit ]; then
  # systemd has given this unit a group of its own (cgroup v2): processes may live in its leaves alone
  unit=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
  mkdir -p "$unit/supervisor" "$unit/host" && echo $$ >"$unit/supervisor/cgroup.procs"
  for controller in $(cat "$unit/cgroup.controllers"); do echo "+$controller" >"$unit/cgroup.subtree_control"; done
  echo "$unit/host" >"$groups"
fi
export SYSTEMD_SECCOMP=0 SYSTEMD_NSPAWN_USE_CGNS=1 SYSTEMD_NSPAWN_API_VFS_WRITABLE=network SYSTEMD_NSPAWN_LOCK=0
stop=
trap stop=1 TERM # heard when nspawn has ended: so it is never left without a parent
code=133
while [ "$code" = 133 ] && [ -z "$stop" ]; do
  sh -c '
    while read -r group; do echo $$ >"$group/cgroup.procs" || echo "cgroup $group takes no process"; done <"$1"
    shift
    exec systemd-nspawn "$@"' sh "$groups" \\
    --quiet --boot --register=no --keep-unit --directory="$root" --machine="$name" --hostname="$name" \\
    --network-namespace-path="$namespace" --capability=all --resolv-conf=off --timezone=off --link-journal=no \\
    --console=read-only --bind="$containerd:/var/lib/containerd" --notify-ready=no
  code=$?
done
echo "nspawn ended with $code"
`

/** Starts the host's supervisor: one small shell that outlives us, with nothing of ours open. Gives when it runs. */
export async function supervise(name: string, places: HostPlaces): Promise<void> {
  const unit = await ownUnit()
  const args = [
    ...['-c', program, `sealer-host ${name}`, places.supervisor, places.groups, places.root, name],
    ...[namespaceFile(places.namespace), containerdFolder(places), unit ? 'unit' : 'own'],
  ]
  await using log = await open(places.console, 'a', 0o600)
  const [file, list] = unit
    ? ['systemd-run', [...unitOptions(places), '/bin/sh', ...args.map(unexpanded)]]
    : ['sh', args]
  const child = spawn(file, list, { detached: true, cwd: '/', stdio: ['ignore', log.fd, log.fd] })
  const failed = new Promise<never>((_, fail) => child.once('error', fail))
  child.unref()
  await Promise.race([failed, started(places)])
}

/** On a machine with systemd and cgroup v2 groups are systemd's to give; elsewhere they are made below the caller's own. */
export async function ownUnit(): Promise<boolean> {
  return existsSync('/run/systemd/system') && isUnified(await readFile('/proc/self/mounts', 'utf8'))
}

/** systemd replaces variables in the arguments of a unit. */
const unexpanded = (argument: string): string => argument.replaceAll('$', '$$$$')

const unitOptions = (places: HostPlaces): readonly string[] => [
  '--quiet',
  '--collect',
  `--unit=${places.namespace}.service`,
  '--slice=sealer.slice',
  '--property=Delegate=yes',
  '--property=KillMode=process',
  `--property=StandardOutput=append:${places.console}`,
  `--property=StandardError=append:${places.console}`,
]

async function started(places: HostPlaces): Promise<void> {
  for (let wait = 0; wait < 250; wait += 1) {
    if (isAlive(await readMark(places.supervisor))) return
    await setTimeout(20)
  }
}

import { chmod, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** What a usual server has. No container runtime, no CNI plugin, no Kubernetes: that is the cluster image's business. */
export const packages = [
  ...['systemd', 'systemd-sysv', 'dbus', 'openssh-server', 'sudo', 'iproute2', 'iptables', 'nftables', 'conntrack'],
  ...['ethtool', 'curl', 'ca-certificates', 'procps', 'iputils-ping', 'kmod', 'mount', 'util-linux', 'netbase'],
  ...['hostname', 'tar', 'gzip'],
]

/** Units that have nothing to do on a machine without hardware, or would cost time at each start. */
const idleUnits = [
  ...['systemd-pstore.service', 'e2scrub_reap.service', 'apt-daily.timer', 'apt-daily-upgrade.timer'],
  ...['dpkg-db-backup.timer', 'e2scrub_all.timer', 'fstrim.timer', 'systemd-udevd.service'],
  ...['systemd-udev-trigger.service', 'systemd-modules-load.service', 'console-getty.service', 'getty.target'],
  // with nobody at a console there is nothing for it to do, and it would start dbus
  ...['systemd-firstboot.service', 'systemd-logind.service'],
]

const earlyUnit = `[Unit]
Description=Private stand-ins for what hosts share with their machine
DefaultDependencies=no
Before=sysinit.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/local-host-early
[Install]
WantedBy=sysinit.target
`

/**
 * kubelet wants three sysctls at fixed values, and some more are set by installers. They are the machine's own, not the
 * host's: private files that already hold the values are mounted over them.
 */
const earlyScript = `#!/bin/sh
mkdir -p /run/local-host
stand_in() {
  [ -e "/proc/sys/$1" ] || return 0
  file=/run/local-host/$(echo "$1" | tr / .)
  echo "$2" >"$file"
  mount --bind "$file" "/proc/sys/$1"
}
stand_in vm/overcommit_memory 1
stand_in kernel/panic 10
stand_in kernel/panic_on_oops 1
stand_in kernel/keys/root_maxkeys 1000000
stand_in kernel/keys/root_maxbytes 25000000
# kubelet's watcher of out-of-memory kills opens it
[ -e /dev/kmsg ] || ln -s /dev/null /dev/kmsg
# cgroup v1: nspawn mounts the controllers read-only
for mount in $(awk '{for(i=7;i<=NF;i++)if($i=="-"&&$(i+1)=="cgroup"){print $5;break}}' /proc/self/mountinfo); do
  mount -o remount,bind,rw "$mount"
done
# mounts of pods must reach the host and back
mount --make-rshared /
[ -f /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
exit 0
`

const sshdConfig = `PermitRootLogin prohibit-password
PasswordAuthentication no
UseDNS no
HostKey /etc/ssh/ssh_host_ed25519_key
MaxStartups 100:30:200
MaxSessions 100
`

/** Makes a freshly unpacked Debian a root file system that boots fast as a host. Safe to repeat. */
export async function prepareRoot(root: string): Promise<void> {
  const units = join(root, 'etc/systemd/system')
  for (const unit of idleUnits) await link('/dev/null', join(units, unit))
  await link('/lib/systemd/system/multi-user.target', join(units, 'default.target'))
  await put(join(units, 'local-host-early.service'), earlyUnit)
  await link('../local-host-early.service', join(units, 'sysinit.target.wants/local-host-early.service'))
  await put(join(root, 'usr/local/sbin/local-host-early'), earlyScript, 0o755)
  await put(join(root, 'etc/ssh/sshd_config.d/local-host.conf'), sshdConfig)
  await put(join(root, 'etc/systemd/journald.conf'), '[Journal]\nStorage=volatile\nRuntimeMaxUse=32M\n')
  await put(join(root, 'etc/machine-id'), '') // made by each host for itself
  await put(join(root, 'etc/hosts'), '127.0.0.1 localhost\n')
  for (const key of (await readdir(join(root, 'etc/ssh'))).filter((name) => name.startsWith('ssh_host_'))) {
    await rm(join(root, 'etc/ssh', key))
  }
  for (const file of ['etc/hostname', 'etc/resolv.conf']) await rm(join(root, file), { force: true })
}

async function put(file: string, text: string, mode = 0o644): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, text)
  await chmod(file, mode)
}

async function link(target: string, file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await rm(file, { force: true })
  await symlink(target, file)
}

/** Changes with the recipe, so that a cached root of another recipe is not taken. */
export const recipe: string = [packages, idleUnits, earlyUnit, earlyScript, sshdConfig].flat().join('\n')

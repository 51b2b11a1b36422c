import { tool } from './run-tool.ts'
import type { Site } from './site.ts'

/** How a host is: section → lines. */
export type Snapshot = Readonly<Record<string, readonly string[]>>

/** Everything that a cluster could have changed on a local host, as lines that can be compared. */
export async function snapshotOf(site: Site, cluster: string, host: string): Promise<Snapshot> {
  const text = await site.sealer('local', 'exec', host, '--', 'bash', '-c', script)
  const sections: Record<string, string[]> = {}
  let section: string[] = []
  for (const line of text.split('\n')) {
    const name = /^== (.+)$/.exec(line)?.[1]
    if (name !== undefined) sections[name] = section = []
    else if (line !== '') section.push(line)
  }
  // Bare hosts have no nft; this machine's looks into their network.
  const rules = await tool('nsenter', `--net=/run/netns/sealer-${cluster}.${host}`, '--', 'nft', 'list', 'ruleset')
  return { ...sections, rules: rules.split('\n').filter((line) => line.trim() !== '') }
}

/** What one has and the other has not, by section; empty where they are equal. */
export function differences(before: Snapshot, after: Snapshot): Readonly<Record<string, readonly string[]>> {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return Object.fromEntries(
    names.flatMap((name) => {
      const old = new Set(before[name])
      const now = new Set(after[name])
      const lines = [
        ...[...old].filter((line) => !now.has(line)).map((line) => `- ${line}`),
        ...[...now].filter((line) => !old.has(line)).map((line) => `+ ${line}`),
      ]
      return lines.length === 0 ? [] : [[name, lines]]
    }),
  )
}

/**
 * Left out, since a host changes it by itself, or because somebody logs in:
 * - /var/lib/systemd/random-seed and /var/lib/systemd/timers: written at boot, and whenever a timer has run;
 * - the session of root: its scope, slice, user manager, /run/user/0 and processes;
 * - systemd-tmpfiles-clean and other one-shot services that timers start: only what is active or failed is listed, and they are not for long.
 */
const script = `
set -u
export LC_ALL=C
echo '== files'
find /etc /usr/local /opt /var/lib /root -path /var/lib/systemd/random-seed -prune -o -path /var/lib/systemd/timers -prune -o -print0 | sort -z |
while IFS= read -r -d '' path; do
  meta=$(stat -c '%n %f %U:%G' "$path")
  if [ -L "$path" ]; then printf '%s -> %s\\n' "$meta" "$(readlink "$path")"
  elif [ -f "$path" ]; then printf '%s %s\\n' "$meta" "$(sha256sum <"$path")"
  else printf '%s\\n' "$meta"; fi
done
echo '== unit files'
systemctl list-unit-files --no-legend --plain --no-pager | awk '{ print $1, $2 }'
echo '== units'
systemctl list-units --state=active,failed --no-legend --plain --no-pager | awk '{ print $1, $3 }' |
  grep -vE '^(session-|user-0|user-runtime-dir@0|user@0|run-user-0|systemd-tmpfiles-clean|apt-|dpkg-|e2scrub|fstrim)'
echo '== mounts'
awk '{ print $4, $5, $6 }' /proc/self/mountinfo | grep -v ' /run/user/0'
echo '== links'
ip -br link
echo '== addresses'
ip -br address
echo '== routes'
ip route show table all; ip -6 route show table all; ip rule; ip -6 rule
echo '== kernel'
for name in net/ipv4/ip_forward net/ipv4/conf/all/route_localnet vm/overcommit_memory kernel/panic kernel/panic_on_oops; do
  printf '%s=%s\\n' "$name" "$(cat /proc/sys/$name)"
done
cat /proc/net/ip_tables_names /proc/net/ip6_tables_names 2>/dev/null
echo '== users'
getent passwd; getent group
echo '== programs that run'
ps -eo comm= | grep -vE '^(\\(sd-pam\\)|bash|ps|grep|sort|sshd|systemd)$' | sort -u
echo '== groups'
find /sys/fs/cgroup -type d -path '*kubepods*' | head -5
`

/**
 * Asks a host for its facts: plain sh and coreutils, one line a fact, `name value`. Changes nothing: whether oom_score_adj can be lowered is
 * tried on a process that ends at once.
 */
export const factsScript = `
say() { printf '%s %s\\n' "$1" "$2"; }
say time "$(date +%s%N)"
say seconds "$(date +%s)"
say machine "$(uname -m)"
say kernel "$(uname -r)"
say hostname "$(hostname 2>/dev/null || uname -n)"
say machine-id "$(cat /etc/machine-id 2>/dev/null)"
(
  . /etc/os-release 2>/dev/null || . /usr/lib/os-release
  say os-id "$ID"
  say os-version "$VERSION_ID"
  say os-name "$PRETTY_NAME"
) 2>/dev/null
say cpus "$(nproc 2>/dev/null || grep -c ^processor /proc/cpuinfo)"
while read -r key value rest; do
  case $key in MemTotal:) say memory "$value" ;; esac
done </proc/meminfo
say swaps "$(($(wc -l </proc/swaps 2>/dev/null || echo 1) - 1))"
say cgroup "$(stat -f -c %T /sys/fs/cgroup 2>/dev/null)"
[ -d /run/systemd/system ] && say systemd yes
[ -e /run/systemd/container ] && say container yes
(echo -999 >/proc/self/oom_score_adj) 2>/dev/null && say oom yes
sysctls=yes
for file in vm/overcommit_memory kernel/panic kernel/panic_on_oops net/netfilter/nf_conntrack_max; do
  [ ! -e /proc/sys/$file ] || [ -w /proc/sys/$file ] || sysctls=no
done
say sysctls $sysctls
folder=/var/lib/sealer
while [ ! -d "$folder" ]; do folder=\${folder%/*}; folder=\${folder:-/}; done
df -P -k "$folder" 2>/dev/null | while read -r device blocks used free rest; do say disk "$free"; done
for file in /proc/net/tcp /proc/net/tcp6; do
  [ ! -r $file ] || while read -r slot address peer state rest; do
    [ "$state" != 0A ] || say listen "\${address##*:}"
  done <$file
done
if command -v ip >/dev/null 2>&1; then
  ip -o addr show 2>/dev/null | while read -r index device family address rest; do say address "$address"; done
else
  for address in $(hostname -I 2>/dev/null); do say address "$address"; done
fi
say end yes
`

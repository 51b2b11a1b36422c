#!/bin/bash
# A Kubernetes cluster by plain kubeadm over ssh, with the same parts that sealer's base image holds: what sealer is measured against.
# It does what a careful person would write down: every host gets all binaries and all images, masters join one by one, nodes side by side.
#
#   NS=NAMESPACE KEY=PRIVATE_KEY CONTEXT=FOLDER VERSION=v1.34.4 [USE_CGROUPFS=1] [KEEP_OOM=1] reference.sh "MASTER ADDRESSES" "NODE ADDRESSES"
#
# CONTEXT is what `node images/kubernetes/build.mjs --context-only` prints. Every phase prints a line: seconds since the start, its name.
set -uo pipefail
read -ra masters <<<"$1"
read -ra nodes <<<"${2:-}"
all=("${masters[@]}" ${nodes[@]+"${nodes[@]}"})
first=${masters[0]}
version=$VERSION
options=(-i "$KEY" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o BatchMode=yes)
in_ns() { nsenter "--net=/run/netns/$NS" "$@"; }
on() { local host=$1; shift; in_ns ssh "${options[@]}" "root@$host" "$@"; }
put() { local host=$1; shift; in_ns scp -q "${options[@]}" "${@:1:$#-1}" "root@$host:${!#}"; }
began=$(date +%s.%N)
phase() { awk -v a="$began" -v b="$(date +%s.%N)" -v name="$1" 'BEGIN { printf "%.2f %s\n", b - a, name }'; }
fail() { echo "reference: $*" >&2; exit 1; }
side_by_side() { local pids=() pid host task=$1; shift; for host in "$@"; do "$task" "$host" & pids+=($!); done; for pid in ${pids[@]+"${pids[@]}"}; do wait "$pid" || fail "$task"; done; }

copy_programs() { on "$1" 'mkdir -p /opt/cni/bin /etc/cni/net.d /usr/local/lib/igzip' && put "$1" "$CONTEXT"/bin/amd64/* /usr/local/bin/ && put "$1" "$CONTEXT"/igzip/amd64/* /usr/local/lib/igzip/ && put "$1" "$CONTEXT"/cni/bin/amd64/* /opt/cni/bin/ && put "$1" "$CONTEXT"/cni/net.d/* /etc/cni/net.d/; }

start_runtime() {
  on "$1" bash -s "$first" "$PAUSE" "${USE_CGROUPFS:-}" "${KEEP_OOM:-}" <<'REMOTE'
set -e
echo 1 >/proc/sys/net/ipv4/ip_forward
[ ! -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || echo 1 >/proc/sys/net/bridge/bridge-nf-call-iptables
mkdir -p /etc/containerd
cat >/etc/containerd/config.toml <<X
version = 3
[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "$2"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = $([ -n "${4:-}" ] && echo true || echo false)
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
    SystemdCgroup = $([ -n "${3:-}" ] && echo false || echo true)
    BinaryName = "/usr/local/bin/runc"
X
cat >/etc/systemd/system/containerd.service <<X
[Unit]
After=network.target
[Service]
Type=notify
Environment=PATH=/usr/local/lib/igzip:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ExecStart=/usr/local/bin/containerd
Delegate=yes
KillMode=process
Restart=always
LimitNOFILE=1048576
TasksMax=infinity
[Install]
WantedBy=multi-user.target
X
cat >/etc/systemd/system/kubelet.service <<'X'
[Unit]
After=containerd.service
[Service]
Environment="KUBECONFIGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
ExecStart=/usr/local/bin/kubelet $KUBECONFIGS --config=/var/lib/kubelet/config.yaml $KUBELET_KUBEADM_ARGS
Restart=always
StartLimitInterval=0
RestartSec=2
[Install]
WantedBy=multi-user.target
X
echo "$1 apiserver.cluster.local" >>/etc/hosts
systemctl daemon-reload
systemctl enable -q --now containerd
systemctl enable -q kubelet
REMOTE
}

import_images() { put "$1" "$work/images.tar" /root/images.tar && on "$1" 'ctr -n k8s.io images import --all-platforms /root/images.tar >/dev/null && rm /root/images.tar'; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
PAUSE=$("$CONTEXT/bin/amd64/kubeadm" config images list --kubernetes-version "$version" 2>/dev/null | grep /pause:)
tar -C "$CONTEXT/images" -cf "$work/images.tar" .
phase "archive of the images made"
side_by_side copy_programs "${all[@]}"
phase "programs copied"
side_by_side start_runtime "${all[@]}"
phase "containerd started"
side_by_side import_images "${all[@]}"
phase "images copied and imported"
on "$first" 'cat >/root/kubeadm.yaml' <<X
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: $first, bindPort: 6443}
nodeRegistration: {criSocket: unix:///run/containerd/containerd.sock}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: $version
controlPlaneEndpoint: apiserver.cluster.local:6443
networking: {podSubnet: 10.244.0.0/16, serviceSubnet: 10.96.0.0/22}
$(grep -E -A3 '^(etcd|dns):' "$CONTEXT/etc/kubeadm.yml")
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
cgroupDriver: $([ -n "${USE_CGROUPFS:-}" ] && echo cgroupfs || echo systemd)
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
conntrack: {maxPerCore: 0, min: 0}
X
on "$first" 'kubeadm init --config /root/kubeadm.yaml --upload-certs --skip-phases=addon/coredns >/root/init.log 2>&1' || { on "$first" 'tail -20 /root/init.log' >&2; fail "kubeadm init"; }
phase "kubeadm init"
on "$first" 'export KUBECONFIG=/etc/kubernetes/admin.conf; kubectl apply -f - >/dev/null' <"$CONTEXT/flannel.yaml"
on "$first" 'export KUBECONFIG=/etc/kubernetes/admin.conf; kubectl -n kube-system rollout status ds/kube-proxy --timeout=60s >/dev/null && kubeadm init phase addon coredns --config /root/kubeadm.yaml >/dev/null'
phase "flannel and CoreDNS added"
if [ "${#all[@]}" -gt 1 ]; then
  join=$(on "$first" 'kubeadm token create --print-join-command 2>/dev/null')
  key=$(on "$first" 'kubeadm init phase upload-certs --upload-certs 2>/dev/null | tail -1')
  join_node() { on "$1" "$join >/root/join.log 2>&1" || { on "$1" 'tail -20 /root/join.log' >&2; return 1; }; }
  side_by_side join_node ${nodes[@]+"${nodes[@]}"}
  phase "nodes joined"
  for host in "${masters[@]:1}"; do
    on "$host" "$join --control-plane --certificate-key $key --apiserver-advertise-address $host >/root/join.log 2>&1" || { on "$host" 'tail -20 /root/join.log' >&2; fail "join $host"; }
    phase "master $host joined"
  done
fi
on "$first" 'export KUBECONFIG=/etc/kubernetes/admin.conf; kubectl wait --for=condition=Ready node --all --timeout=180s >/dev/null' || fail "nodes are not Ready"
on "$first" 'export KUBECONFIG=/etc/kubernetes/admin.conf; kubectl -n kube-system rollout status ds/kube-proxy --timeout=120s >/dev/null && kubectl -n kube-system rollout status deploy/coredns --timeout=120s >/dev/null' || fail "kube-proxy or CoreDNS is not ready"
phase "usable"

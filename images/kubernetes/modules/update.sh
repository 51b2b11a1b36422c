#!/bin/bash
# update.sh PART VERSION - writes PART/go.mod and PART/go.sum anew for a version of the part.
#
#   ./update.sh kubernetes 1.34.4     -> kubernetes-1.34/
#   ./update.sh etcd 3.6.16           -> etcd/
#
# Only for those who change a version: a build reads these files and never writes them (-mod=readonly).
# Afterwards set the version in ../src/parts.ts too.
set -euo pipefail
cd "$(dirname "$0")"
export GOFLAGS=-mod=mod GOWORK=off

# A module that has the packages as tools: `go` line of the upstream module, so that programs get the GODEBUG
# defaults their authors chose.
tools() {
  local part=$1 module=$2 version=$3 upstream package get=(); shift 3
  upstream=$(go mod download -json "$module@$version" | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')
  for package in "$@"; do get+=("$package@$version"); done
  rm -rf "$part"; mkdir "$part"; cd "$part"
  { echo "module parts/$part"; echo; sed -n '/^go [0-9]/p' "$upstream"; } >go.mod
  go get -tool "${get[@]}"
}

# k8s.io/kubernetes replaces its staging modules by folders that the published module does not hold. The same
# sources are published as k8s.io/NAME v0.MINOR.PATCH.
kubernetes() {
  local version=$1 staging=v0.${1#1.} upstream part program
  part=kubernetes-$(cut -d. -f1,2 <<<"$version")
  upstream=$(go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/.*"GoMod": "\(.*\)".*/\1/p')
  rm -rf "$part"; mkdir "$part"; cd "$part"
  {
    echo "module parts/$part"; echo
    sed -n '/^go [0-9]/p; /^godebug /p' "$upstream"; echo
    echo "require k8s.io/kubernetes v$version"; echo
    echo "replace ("; sed -n "s#^\t\(k8s.io/[a-z0-9-]*\) => ./staging.*#\t\1 => \1 $staging#p" "$upstream"; echo ")"; echo
    echo "tool ("
    for program in kubeadm kubelet kubectl kube-apiserver kube-controller-manager kube-scheduler kube-proxy; do
      echo "	k8s.io/kubernetes/cmd/$program"
    done
    echo ")"
  } >go.mod
  go mod tidy
}

# flannel is built from a copy of its source without two back-ends (see ../src/parts.ts): these are its own go.mod
# and go.sum, less what only the cloud back-end needs.
flannel() {
  local version=$1 source sdk=github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud
  source=$(go mod download -json "github.com/flannel-io/flannel@v$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  rm -rf flannel; mkdir flannel; cd flannel
  cp "$source/go.mod" "$source/go.sum" .; chmod u+w go.mod go.sum
  go mod edit -droprequire $sdk/common -droprequire $sdk/vpc
  sed -i "\\#^$sdk#d" go.sum
}

version=${2:?usage: update.sh PART VERSION}
plugins=github.com/containernetworking/plugins containerd=github.com/containerd/containerd/v2 registry=github.com/distribution/distribution/v3
case $1 in
  kubernetes) kubernetes "$version" ;;
  flannel) flannel "$version" ;;
  etcd) tools etcd go.etcd.io/etcd/server/v3 "v$version" go.etcd.io/etcd/server/v3 go.etcd.io/etcd/etcdctl/v3 ;;
  cni-plugins) tools cni-plugins $plugins "v$version" \
    $plugins/plugins/main/{bridge,loopback,ptp,host-device} $plugins/plugins/ipam/host-local $plugins/plugins/meta/{portmap,firewall,bandwidth,tuning} ;;
  registry) tools registry $registry "v$version" $registry/cmd/registry ;;
  containerd) tools containerd $containerd "v$version" $containerd/cmd/{containerd,ctr,containerd-shim-runc-v2} ;;
  runc) tools runc github.com/opencontainers/runc "v$version" github.com/opencontainers/runc ;;
  coredns) tools coredns github.com/coredns/coredns "v$version" github.com/coredns/coredns ;;
  helm) tools helm helm.sh/helm/v3 "v$version" helm.sh/helm/v3/cmd/helm ;;
  *) sed -n '2,8p' "$0"; exit 2 ;;
esac

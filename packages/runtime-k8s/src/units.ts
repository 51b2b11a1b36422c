import { dirname } from 'node:path'
import type { HostFacts } from '@sealer/core'
import type { HostFile } from './host-files.ts'

const unitFolder = '/etc/systemd/system'

const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Where an image may bring `igzip`, which containerd unpacks with where it finds it. */
const fasterGzip = (bin: string) => `${dirname(bin)}/lib/igzip`

/** systemd's unit for containerd. Containers outlive its restarts. */
export const containerdUnit = (bin: string, facts: Pick<HostFacts, 'oomScoreAdj'>): HostFile => ({
  path: `${unitFolder}/containerd.service`,
  content: `[Unit]
Description=Container runtime (made by sealer)
After=network.target local-fs.target

[Service]
Type=notify
Environment=PATH=${bin}:${fasterGzip(bin)}:${usualPath}
ExecStartPre=-/sbin/modprobe overlay
ExecStart=${bin}/containerd
Delegate=yes
KillMode=process
Restart=always
RestartSec=2
LimitNOFILE=1048576
TasksMax=infinity
${facts.oomScoreAdj ? 'OOMScoreAdjust=-999\n' : ''}
[Install]
WantedBy=multi-user.target
`,
})

/** systemd's unit for the kubelet; kubeadm writes the files that it names, and starts it. */
export const kubeletUnit = (bin: string): HostFile => ({
  path: `${unitFolder}/kubelet.service`,
  content: `[Unit]
Description=Kubernetes node agent (made by sealer)
After=network.target containerd.service
StartLimitIntervalSec=0

[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=${bin}/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
Restart=always
RestartSec=2

[Install]
WantedBy=multi-user.target
`,
})

import type { HostFacts } from '@sealer/core'
import { list, quoted } from './toml.ts'

export const certsFolder = '/etc/containerd/certs.d'
export const configPath = '/etc/containerd/config.toml'

/** containerd's configuration, version 3 (containerd 2.x, docs/cri/config.md). */
export function containerdConfig(
  facts: Pick<HostFacts, 'systemdCgroups' | 'oomScoreAdj'>,
  bin: string,
  sandbox: string,
): string {
  return `version = 3

[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = ${quoted(sandbox)}

[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = ${quoted(certsFolder)}
${facts.oomScoreAdj ? '' : forbiddenOom}
[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = ${list(['/opt/cni/bin'])}
  conf_dir = ${quoted('/etc/cni/net.d')}

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = ${facts.systemdCgroups}
  BinaryName = ${quoted(`${bin}/runc`)}
`
}

/** Without CAP_SYS_RESOURCE nobody may lower oom_score_adj, and every container would die in its first moment. */
const forbiddenOom = `
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
`

/** The sandbox image that a configuration of ours names. */
export const sandboxIn = (config: string): string | undefined => /^ {2}sandbox = "(.+)"$/m.exec(config)?.[1]

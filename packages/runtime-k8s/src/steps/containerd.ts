import type { KnownHost, Step } from '@sealer/core'
import { configPath, containerdConfig, sandboxIn } from '../containerd/config.ts'
import { criFailure } from '../containerd/cri.ts'
import { registryHosts } from '../containerd/registry-hosts.ts'
import { errors } from '../errors.ts'
import { type HostFile, haveFiles, writeFiles } from '../host-files.ts'
import { kubeadmAnswer } from '../kubeadm/kubeadm.ts'
import type { Site } from '../site.ts'
import { containerdUnit, kubeletUnit } from '../units.ts'

/** The container runtime of the image, with the cluster's registries; the kubelet's unit beside it, so that systemd reads its units once. */
export const startContainerd = (host: KnownHost, site: Site): Step => ({
  id: `containerd/${host.view.name}`,
  title: 'Start containerd, install the kubelet',
  host: host.view,
  after: [`prepare/${host.view.name}`],
  skip: async () => {
    const { view } = host
    // The sandbox image belongs to the version that is installed; another version is an upgrade.
    const sandbox = sandboxIn((await view.read(configPath)) ?? '')
    if (sandbox === undefined || !(await haveFiles(view, filesFor(host, site, sandbox)))) return undefined
    const { exitCode } = await view.inquire({
      argv: ['systemctl', 'is-active', '--quiet', 'containerd'],
      accept: [0, 1, 3, 4],
    })
    const serves = exitCode === 0 && (await criFailure(view, site.bin)) === undefined
    return serves ? 'already running as wanted' : undefined
  },
  do: async ({ host: target, signal }) => {
    const version = await kubeadmAnswer(target, site, 'version', '-o', 'short')
    const images = await kubeadmAnswer(target, site, 'config', 'images', 'list', '--kubernetes-version', version)
    const sandbox = images.split('\n').find((name) => name.includes('/pause:'))
    if (sandbox === undefined) throw new Error(`kubeadm ${version} names no pause image`)
    await writeFiles(target, filesFor(host, site, sandbox))
    await target.exec('systemctl', 'enable', '--quiet', 'containerd', 'kubelet') // reloads the units too
    await target.run({ argv: ['systemctl', 'restart', 'containerd'], signal })
    const reason = await criFailure(target, site.bin)
    if (reason !== undefined) throw errors.CONTAINERD_UNFIT({ host: target.name, reason })
  },
})

const filesFor = (host: KnownHost, site: Site, sandbox: string): readonly HostFile[] => [
  { path: configPath, content: containerdConfig(host.facts, site.bin, sandbox) },
  ...registryHosts(site.context.registries),
  containerdUnit(site.bin, host.facts),
  kubeletUnit(site.bin),
]

import type { Host, HostView, KnownHost, Step } from '@sealer/core'
import { foundFile, neededSysctls, noteFound } from '../found.ts'
import { type HostFile, haveFiles, writeFiles } from '../host-files.ts'
import { hostLines, withBlock } from '../hosts-file.ts'
import { checkPlannedSubnets } from '../kubeadm/planned.ts'
import type { Members } from '../membership.ts'
import type { Site } from '../site.ts'

/** Programs on the PATH, kernel settings, and the names that every host of the cluster knows. */
export const prepare = (host: KnownHost, site: Site, members: Members): Step => ({
  id: `prepare/${host.view.name}`,
  title: 'Link programs, set up kernel and names',
  host: host.view,
  after: [site.context.rootfsStep(host.view)],
  skip: async () => {
    const { view } = host
    if (!(await view.has(foundFile(site.folder)))) {
      checkPlannedSubnets(
        site,
        host.facts.addresses.map((address) => ({ host: view.name, address })),
      )
      return undefined
    }
    const named = await view.read('/etc/hosts')
    const lines = hostLines(host, site, await members.has(host))
    const same =
      named !== undefined &&
      named === withBlock(named, site.cluster, lines) &&
      (await haveFiles(view, kernelFiles(site))) &&
      (await linked(view, site))
    return same ? 'already prepared' : undefined
  },
  do: async ({ host: target, signal }) => {
    await noteFound(target, site.folder)
    await target.run({ argv: ['sh', '-c', linkScript, 'sh', site.context.rootfs, 'link'], signal })
    await writeFiles(target, kernelFiles(site))
    await target.run({ argv: ['sh', '-c', kernelScript, 'sh', ...Object.entries(neededSysctls).flat()], signal })
    await writeHostLines(target, host, site, await members.has(host))
  },
})

/** Puts our lines into /etc/hosts; everything else in it stays, byte for byte. */
export async function writeHostLines(target: Host, host: KnownHost, site: Site, member: boolean): Promise<void> {
  const text = (await target.read('/etc/hosts')) ?? ''
  await replaceHosts(target, withBlock(text, site.cluster, hostLines(host, site, member)))
}

/** Replaces /etc/hosts and keeps its mode. */
export async function replaceHosts(target: Host, content: string): Promise<void> {
  const mode = await target.run({ argv: ['stat', '-c', '%a', '/etc/hosts'], accept: [0, 1] })
  await target.write('/etc/hosts', content, { mode: Number.parseInt(mode.stdout.trim() || '644', 8) })
}

const modules = ['overlay', 'br_netfilter']

export const kernelFiles = ({ cluster }: Pick<Site, 'cluster'>): readonly HostFile[] => [
  { path: `/etc/modules-load.d/sealer-${cluster}.conf`, content: modules.map((name) => `${name}\n`).join('') },
  {
    path: `/etc/sysctl.d/90-sealer-${cluster}.conf`,
    content: Object.entries(neededSysctls)
      .map(([name, value]) => `${name.replaceAll('/', '.')} = ${value}\n`)
      .join(''),
  },
]

/** Modules may be built in, and a setting may lack its module: kubeadm's own checks say what is really missing. */
const kernelScript = `
for module in ${modules.join(' ')}; do modprobe "$module" 2>/dev/null || true; done
while [ $# -gt 1 ]; do
  { [ ! -e "/proc/sys/$1" ] || [ "$(cat "/proc/sys/$1")" = "$2" ] || printf %s "$2" >"/proc/sys/$1"; } 2>/dev/null || true
  shift 2
done`

const linked = async (view: HostView, { context }: Site): Promise<boolean> =>
  (await view.ask('sh', '-c', linkScript, 'sh', context.rootfs, 'check')) === ''

/**
 * Links the image's programs where a person and CNI look for them, and copies the network configuration. What is there already and is not
 * ours stays. With "check" it only names what is missing.
 */
const linkScript = `
rootfs=$1 mode=$2
[ "$mode" = check ] || mkdir -p /usr/local/bin /opt/cni/bin /etc/cni/net.d
place() {
  for file in "$rootfs/$1"/*; do
    [ -f "$file" ] || continue
    link=$2/\${file##*/}
    if [ -L "$link" ] && [ "$(readlink "$link")" = "$file" ]; then continue; fi
    if [ -e "$link" ] && [ ! -L "$link" ]; then continue; fi
    if [ -L "$link" ] && [ -e "$link" ]; then continue; fi
    if [ "$mode" = check ]; then echo "$link"; else ln -sfn "$file" "$link"; fi
  done
}
place bin /usr/local/bin
place cni/bin /opt/cni/bin
for file in "$rootfs"/cni/net.d/*; do
  [ -f "$file" ] || continue
  copy=/etc/cni/net.d/\${file##*/}
  if [ -e "$copy" ]; then continue; fi
  if [ "$mode" = check ]; then echo "$copy"; else cp "$file" "$copy.new" && mv "$copy.new" "$copy"; fi
done`

import type { Host, HostView, KnownHost } from '@sealer/core'
import type { Site } from './site.ts'

/** Written when a host has joined for good; a host with traces of kubeadm and without this file was left halfway. */
const joinedFile = (folder: string) => `${folder}/joined`

const kubeletConfig = '/etc/kubernetes/kubelet.conf'

/** Whether a host belongs to the cluster of this folder. */
export async function isMember(view: HostView, folder: string): Promise<boolean> {
  return (await view.has(joinedFile(folder))) && (await view.has(kubeletConfig))
}

export async function markJoined(host: Host, site: Site): Promise<void> {
  await host.write(joinedFile(site.folder), `${host.name}\n`)
}

export async function unmarkJoined(host: Host, folder: string): Promise<void> {
  await host.exec('rm', '-f', joinedFile(folder))
}

/** Who is a member already, asked once per host while a plan is made. */
export interface Members {
  has(host: KnownHost): Promise<boolean>
  /** A control plane that is a member, to ask the cluster through. */
  master(): Promise<KnownHost | undefined>
}

export function membersOf(site: Site): Members {
  const answers = new Map<string, Promise<boolean>>()
  const has = (host: KnownHost): Promise<boolean> => {
    const known =
      answers.get(host.view.name) ?? (host.exists ? isMember(host.view, site.folder) : Promise.resolve(false))
    answers.set(host.view.name, known)
    return known
  }
  return {
    has,
    master: async () => {
      const all = await Promise.all(site.masters.map(async (host) => ({ host, member: await has(host) })))
      return all.find(({ member }) => member)?.host
    },
  }
}

import { type Host, type HostView, type KnownHost, type Secrets, type Step, systemClock, type Work } from '@sealer/core'
import { pathWith } from '../environment.ts'
import { errors } from '../errors.ts'
import { configFile } from '../kubeadm/documents.ts'
import { bootstrapTokens, caHash, newCertificateKey, newToken, tokenId } from '../kubeadm/join-secrets.ts'
import { kubeadm } from '../kubeadm/kubeadm.ts'
import { loadConfig } from '../kubeadm/load-config.ts'
import { isMember, type Members } from '../membership.ts'
import { isMaster, type Site } from '../site.ts'
import { adminKubectl } from './admin-kubectl.ts'
import { etcdAnswers, etcdctl, hasEtcd } from './etcd.ts'

/** A master that is a member now. @throws CLUSTER_SILENT */
export async function anyMaster(work: Work, site: Site): Promise<Host> {
  for (const { view } of site.masters) {
    if (await isMember(view, site.folder).catch(() => false)) return work.on(view)
  }
  throw errors.CLUSTER_SILENT({ reason: 'none of the masters has joined' })
}

/** For hosts that join a cluster which exists: clears their places, and makes what they need to join. A new cluster's `init` gives it itself. */
export const makeToken = (site: Site, members: Members, secrets: Secrets): Step => ({
  id: 'token',
  title: 'Make a join token',
  after: [`init/${site.first.view.name}`],
  skip: async () => {
    if ((await missing(site, members)).length === 0) return 'no host is to join'
    return (await members.master()) === undefined ? 'comes with the new control plane' : undefined
  },
  do: async (work) => {
    const master = await anyMaster(work, site)
    const joining = await missing(site, members)
    await etcdAnswers(master, site, namesOf(joining.filter(isMaster)), work.signal)
    await forgetOldSelves(master, site, joining)
    const config = await loadConfig(master, site)
    const token = newToken()
    const certificateKey = newCertificateKey()
    for (const secret of [token, certificateKey]) secrets.remember(secret)
    const cluster = config.document('ClusterConfiguration')
    const registration = {
      nodeRegistration: { name: master.name },
      localAPIEndpoint: { advertiseAddress: master.address },
    }
    const tokens = config.document('InitConfiguration', { ...registration, bootstrapTokens: bootstrapTokens(token) })
    await kubeadm(master, site, ['token', 'create'], configFile(tokens, cluster), work.signal)
    if (joining.some(isMaster)) {
      const upload = config.document('InitConfiguration', { ...registration, certificateKey })
      await kubeadm(
        master,
        site,
        ['init', 'phase', 'upload-certs', '--upload-certs'],
        configFile(upload, cluster),
        work.signal,
      )
    }
    work.give('token', token)
    work.give('certificate-key', certificateKey)
    work.give('ca-hash', caHash((await master.read('/etc/kubernetes/pki/ca.crt')) ?? ''))
  },
})

/** Seconds after which joins begin all the same: kubeadm asks again, and says what is wrong. */
const signedWithin = 30

/**
 * The control plane signs its public description for each token a moment after it starts, and a join that comes before waits 5 s before it looks
 * again.
 */
export const awaitToken = (site: Site, members: Members): Step => ({
  id: 'token-signed',
  title: 'Wait until the join token can be used',
  after: ['token', `init/${site.first.view.name}`],
  skip: async () => {
    const joining = await missing(site, members)
    const begins = (await members.master()) === undefined ? site.first : undefined
    return joining.some((host) => host !== begins) ? undefined : 'no host is to join'
  },
  do: async (work) => {
    const kubectl = adminKubectl(await anyMaster(work, site), site)
    const signature = `jws-kubeconfig-${tokenId(work.given('token'))}`
    const deadline = systemClock.now() + signedWithin * 1000
    const signed = async () => {
      const info = await kubectl(['get', 'configmap', 'cluster-info', '-n', 'kube-public', '-o', 'json']).catch(
        () => '',
      )
      return info.includes(`"${signature}"`)
    }
    while (!(await signed()) && systemClock.now() < deadline) await systemClock.sleep(250, work.signal)
  },
})

/** Tokens end by themselves; this one ends as soon as nobody needs it. */
export const withdrawToken = (site: Site, members: Members): Step => ({
  id: 'token-withdrawn',
  title: 'Withdraw the join token',
  after: [`init/${site.first.view.name}`, ...site.context.hosts.map(({ view }) => `join/${view.name}`)],
  skip: async () => ((await missing(site, members)).length === 0 ? 'no host is to join' : undefined),
  do: async (work) => {
    const master = await anyMaster(work, site)
    const kubectl = adminKubectl(master, site)
    const secret = `bootstrap-token-${tokenId(work.given('token'))}`
    await kubectl(['delete', 'secret', '-n', 'kube-system', '--ignore-not-found', secret, 'kubeadm-certs'])
  },
})

async function missing(site: Site, members: Members): Promise<readonly KnownHost[]> {
  const all = await Promise.all(site.context.hosts.map(async (host) => ((await members.has(host)) ? [] : [host])))
  return all.flat()
}

/** A host that was set up anew, or whose join was killed, may still stand in the cluster as a node and as a member of etcd. */
async function forgetOldSelves(master: Host, site: Site, joining: readonly KnownHost[]): Promise<void> {
  const kubectl = adminKubectl(master, site)
  await kubectl(['delete', 'node', '--ignore-not-found', '--wait=false', ...namesOf(joining)])
  for (const { view } of joining.filter(isMaster)) await leaveEtcd(master, site, view)
}

const namesOf = (hosts: readonly KnownHost[]): readonly string[] => hosts.map(({ view }) => view.name)

async function leaveEtcd(master: Host, site: Site, gone: HostView): Promise<void> {
  if (!(await hasEtcd(master))) return
  const env = pathWith(site.bin)
  const { stdout } = await master.run({ argv: etcdctl('member', 'list', '-w', 'json'), env })
  const { members } = JSON.parse(exactIds(stdout)) as {
    members: readonly { ID: string; peerURLs?: readonly string[] }[]
  }
  for (const { ID, peerURLs } of members) {
    if (peerURLs?.some((url) => new URL(url).hostname === gone.address) !== true) continue
    await master.run({ argv: etcdctl('member', 'remove', BigInt(ID).toString(16)), env })
  }
}

/** Members' ids have 64 bits, more than a number of JavaScript holds. */
const exactIds = (json: string) => json.replaceAll(/"ID":(\d+)/g, '"ID":"$1"')

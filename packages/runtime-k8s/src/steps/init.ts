import type { KnownHost, Secrets, Step } from '@sealer/core'
import { configFile } from '../kubeadm/documents.ts'
import { bootstrapTokens, caHash, newCertificateKey, newToken } from '../kubeadm/join-secrets.ts'
import { kubeadm } from '../kubeadm/kubeadm.ts'
import { cgroupNotice, loadConfig, nodeRegistration, refusesCgroup } from '../kubeadm/load-config.ts'
import { checkPodNetwork, checkVersion } from '../kubeadm/planned.ts'
import { type Members, markJoined } from '../membership.ts'
import { type Site, takesWorkloads } from '../site.ts'
import { clearHalfway } from '../teardown/halfway.ts'
import { masterAnswers } from './master-answers.ts'
import { writeHostLines } from './prepare.ts'

/** The first control plane of a cluster that does not exist yet. CoreDNS follows later, in its own step. */
export const init = (host: KnownHost, site: Site, members: Members, secrets: Secrets): Step => ({
  id: `init/${host.view.name}`,
  title: takesWorkloads(host, site) ? 'Create the control plane (it takes workloads too)' : 'Create the control plane',
  host: host.view,
  after: [`containerd/${host.view.name}`, site.context.registryStep(host.view)],
  skip: async () => {
    await checkVersion(site, host)
    await checkPodNetwork(site, host)
    const existing = await members.master()
    return existing === undefined ? undefined : `the cluster exists, with ${existing.view.name}`
  },
  do: async ({ host: target, signal, give, say }) => {
    if (await clearHalfway(target, signal)) say('Began anew: an earlier attempt had not reached its end.')
    const config = await loadConfig(target, site)
    if (refusesCgroup(host, config.facts)) say(cgroupNotice(host, config.facts.version))
    const token = newToken()
    const certificateKey = newCertificateKey()
    for (const secret of [token, certificateKey]) secrets.remember(secret)
    const shared = site.masters.length > 1
    const document = config.document('InitConfiguration', {
      localAPIEndpoint: { advertiseAddress: host.view.address },
      nodeRegistration: nodeRegistration(host, site, config.facts),
      bootstrapTokens: bootstrapTokens(token),
      ...(shared ? { certificateKey } : {}),
    })
    const file = configFile(
      document,
      config.document('ClusterConfiguration'),
      config.document('KubeletConfiguration'),
      config.document('KubeProxyConfiguration'),
    )
    await kubeadm(
      target,
      site,
      ['init', '--skip-phases', 'addon/coredns', ...(shared ? ['--upload-certs'] : [])],
      file,
      signal,
    )
    await masterAnswers(target, site, signal)
    await writeHostLines(target, host, site, true)
    await markJoined(target, site)
    give('token', token)
    give('certificate-key', certificateKey)
    give('ca-hash', caHash((await target.read('/etc/kubernetes/pki/ca.crt')) ?? ''))
  },
})

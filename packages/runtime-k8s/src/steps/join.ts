import type { KnownHost, Step } from '@sealer/core'
import { apiHost, apiPort, configFile } from '../kubeadm/documents.ts'
import { kubeadm } from '../kubeadm/kubeadm.ts'
import { cgroupNotice, loadConfig, nodeRegistration, refusesCgroup } from '../kubeadm/load-config.ts'
import { type Members, markJoined } from '../membership.ts'
import { isMaster, type Site, takesWorkloads } from '../site.ts'
import { clearHalfway } from '../teardown/halfway.ts'
import { masterAnswers } from './master-answers.ts'
import { writeHostLines } from './prepare.ts'

/** A host becomes part of a cluster that answers. Masters one after the other, each when the one before is healthy; nodes side by side. */
export const join = (host: KnownHost, site: Site, members: Members): Step => ({
  id: `join/${host.view.name}`,
  title: titleFor(host, site),
  host: host.view,
  after: [
    // Others wait for the first master's join, which a new cluster leaves out: they must not wait for the token with it.
    host === site.first ? 'token' : 'token-signed',
    `init/${site.first.view.name}`,
    `containerd/${host.view.name}`,
    `images/${host.view.name}`,
    ...site.masters.map(({ view }) => site.context.registryStep(view)).slice(0, 1),
    ...(isMaster(host) ? mastersBefore(host, site) : []),
  ],
  skip: async () => {
    if (await members.has(host)) return 'already joined'
    const begins = host === site.first && (await members.master()) === undefined
    return begins ? 'the cluster begins with it' : undefined
  },
  do: async ({ host: target, signal, given, say }) => {
    if (await clearHalfway(target, signal)) say('Began anew: an earlier attempt had not reached its end.')
    const config = await loadConfig(target, site)
    if (refusesCgroup(host, config.facts)) say(cgroupNotice(host, config.facts.version))
    const document = config.document('JoinConfiguration', {
      nodeRegistration: nodeRegistration(host, site, config.facts),
      discovery: {
        bootstrapToken: {
          token: given('token'),
          apiServerEndpoint: `${apiHost}:${apiPort}`,
          caCertHashes: [given('ca-hash')],
        },
      },
      ...(isMaster(host)
        ? {
            controlPlane: {
              localAPIEndpoint: { advertiseAddress: host.view.address },
              certificateKey: given('certificate-key'),
            },
          }
        : {}),
    })
    await kubeadm(target, site, ['join'], configFile(document), signal)
    if (isMaster(host)) await masterAnswers(target, site, signal)
    await writeHostLines(target, host, site, true)
    await markJoined(target, site)
  },
})

function titleFor(host: KnownHost, site: Site): string {
  if (!isMaster(host)) return 'Join the cluster'
  return takesWorkloads(host, site) ? 'Join as a control plane (it takes workloads too)' : 'Join as a control plane'
}

/** The master before this one, so that the control plane grows by one at a time. */
function mastersBefore(host: KnownHost, site: Site): readonly string[] {
  const before = site.masters[site.masters.indexOf(host) - 1]
  return before === undefined ? [] : [`join/${before.view.name}`]
}

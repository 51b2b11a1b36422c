// Makes a cluster with sealer as a library: own logger, own secrets, plugins passed as objects. Nothing global is touched.
// usage: node embed.mjs IMAGE CLUSTER MASTER [NODE...]   with the SSH password in SITE_PASSWORD
import { createSealer, createSecrets } from '@sealer/core'
import { baremetal } from '@sealer/infra-baremetal'
import { kubernetes } from '@sealer/runtime-k8s'

/** What a vendor's own tool would do with one site. */
export async function deliver({ home, image, cluster, masters, nodes, ssh, plugins, secrets, signal, report }) {
  const sealer = createSealer({
    home,
    plugins: plugins ?? [kubernetes(), baremetal()],
    secrets: secrets ?? createSecrets({ env: process.env }),
    hostKeys: { kind: 'accept-new' },
    logger: { debug: () => {}, info: (line) => report(line), warn: (line) => report(`warning: ${line}`) },
  })
  const host = (role) => (address) => ({ address, roles: [role] })
  const wish = { cluster, image, ssh, hosts: [...masters.map(host('master')), ...nodes.map(host('node'))] }
  const plan = await sealer.plan(wish, { signal })
  report(`${plan.steps.length} steps`)
  const { status } = await sealer.apply(wish, {
    signal,
    onEvent: (event) => {
      if (event.type === 'step-finished') report(`${event.host ?? cluster}: ${event.title}`)
    },
  })
  return status
}

if (import.meta.filename === process.argv[1]) {
  const [image, cluster, master, ...nodes] = process.argv.slice(2)
  const ssh = { password: 'env:SITE_PASSWORD' }
  const status = await deliver({ home: './site', image, cluster, masters: [master], nodes, ssh, report: console.log })
  console.log(status.state)
}

import { SealerError, type Secrets, type Step } from '@sealer/core'
import { contextOn, fakeHost, rejection, runSteps, runtimeContract, wantedOn } from '@sealer/core/testing'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { caHash } from './kubeadm/join-secrets.ts'
import { K8sRuntime } from './runtime.ts'
import { caCertificate, caCertificateHash, clusterWorld, imageWithoutImages } from './testing/cluster-world.ts'

const test = suite('runtime-k8s')

const secrets: Secrets & { readonly all: string[] } = {
  all: [],
  read: async () => '',
  remember(secret) {
    this.all.push(secret)
  },
  mask: (text) => text,
}
const contextFor = async (hosts: ReturnType<typeof clusterWorld>) =>
  await contextOn(hosts, { wanted: wantedOn(hosts, { image: imageWithoutImages() }) })
const install = async (hosts: ReturnType<typeof clusterWorld>) =>
  new K8sRuntime(secrets, { needsSwapOff: true }).install(await contextFor(hosts))
const stepOf = (steps: readonly Step[], id: string) => steps.find((step) => step.id === id)

runtimeContract(test, () => {
  const hosts = clusterWorld(['m1', 'master'], ['m2', 'master'], ['n1', 'node'])
  return {
    runtime: new K8sRuntime(secrets, { needsSwapOff: true }),
    hosts,
    context: { wanted: wantedOn(hosts, { image: imageWithoutImages() }) },
  }
})

test('a pod subnet that the network of the image does not know is refused while planning', async () => {
  const hosts = clusterWorld(['m1', 'master'])
  const image = imageWithoutImages('v1.34.4', { 'io.sealer.kubernetes.pod-subnet': '10.244.0.0/16' })
  const plan = async (env: Record<string, string>) => {
    const steps = new K8sRuntime(secrets, { needsSwapOff: true }).install(
      await contextOn(hosts, { wanted: wantedOn(hosts, { image, env }) }),
    )
    return await stepOf(steps, 'init/m1')?.skip?.()
  }
  assert.is(await plan({}), undefined)
  const error = await rejection(plan({ PodCIDR: '10.50.0.0/16' }))
  assert.ok(SealerError.is(error) && error.code === 'POD_SUBNET_FIXED')
})

test('a token joins hosts from a file that only root reads, and is gone afterwards', async () => {
  const hosts = clusterWorld(['m1', 'master'], ['n1', 'node'])
  const [master, node] = hosts
  const seen: string[] = []
  node?.answer(/kubeadm join/, (_, host) => {
    seen.push(
      host.files.get('/run/sealer/kubeadm-join.yaml') ?? '',
      String(host.modes.get('/run/sealer/kubeadm-join.yaml')),
    )
    host.files.set('/etc/kubernetes/kubelet.conf', 'k')
    return ''
  })
  await runSteps(await install(hosts), hosts)
  assert.match(seen[0] ?? '', /"token": "[a-z0-9]{6}\.[a-z0-9]{16}"/)
  assert.is(seen[1], String(0o600))
  assert.not.ok(node?.files.has('/run/sealer/kubeadm-join.yaml'))
  assert.ok(master?.commands.some((command) => /delete secret .*bootstrap-token-[a-z0-9]{6} /.test(command)))
  const lines = hosts.flatMap((host) => [...host.commands, ...host.asked])
  assert.not.ok(secrets.all.some((secret) => lines.some((line) => line.includes(secret))))
})

test('a control plane that went down while it joined is named as what keeps etcd from its majority', async () => {
  const hosts = clusterWorld(['m1', 'master'], ['m2', 'master'])
  const [first] = hosts
  await runSteps(await install(hosts.slice(0, 1)), hosts)
  first?.files.set('/etc/kubernetes/pki/etcd/healthcheck-client.crt', '')
  first?.answer(/endpoint health$/, { exitCode: 1, stderr: 'x\nhealth check failed: no leader\n' })
  const error = await rejection<SealerError>(runSteps(await install(hosts), hosts))
  const cause = error.cause as SealerError
  assert.is(cause.code, 'ETCD_NO_QUORUM')
  assert.match(cause.message, /etcd on m1 .*no leader/)
  assert.match(cause.hint, /\(m2\).*start it again/)
})

test('nodes join when the control plane has signed for their token, and not before', async () => {
  const hosts = clusterWorld(['m1', 'master'], ['n1', 'node'])
  const [master, node] = hosts
  let [asked, id] = [0, '']
  master?.answer('configmap cluster-info', () => {
    asked += 1
    assert.not.ok(node?.commands.some((command) => command.includes('kubeadm join')))
    return JSON.stringify({ data: asked < 3 ? {} : { [`jws-kubeconfig-${id}`]: '' } })
  })
  master?.answer(/kubeadm init --skip/, () => {
    id = /"token": "(\w{6})/.exec(master.files.get('/run/sealer/kubeadm-init.yaml') ?? '')?.[1] ?? ''
    for (const [path, text] of [
      ['/etc/kubernetes/kubelet.conf', 'k'],
      ['/etc/kubernetes/pki/ca.crt', caCertificate],
    ] as const)
      master.files.set(path, text)
    return ''
  })
  await runSteps(await install(hosts), hosts)
  assert.is(asked, 3)
  assert.ok(node?.commands.some((command) => command.includes('kubeadm join')))
})

test('the pod network is launched as soon as the control plane is there, whatever joins wait for', async () => {
  const steps = await install(clusterWorld(['m1', 'master'], ['n1', 'node']))
  // What comes after a join that is left out comes after everything before that join.
  assert.equal(stepOf(steps, 'network')?.after, ['init/m1', 'join/m1'])
  assert.not.ok(stepOf(steps, 'join/m1')?.after.includes('token-signed'))
  assert.ok(stepOf(steps, 'join/n1')?.after.includes('token-signed'))
})

test('CoreDNS comes after the nodes have joined and kube-proxy runs', async () => {
  const hosts = clusterWorld(['m1', 'master'], ['n1', 'node'])
  await runSteps(await install(hosts), hosts)
  const commands = hosts[0]?.commands ?? []
  const proxy = commands.findIndex((command) => command.includes('daemonsets.apps/kube-proxy'))
  const dns = commands.findIndex((command) => command.includes('phase addon coredns'))
  assert.ok(proxy >= 0 && proxy < dns)
  assert.ok(commands.some((command) => command.includes('--skip-phases addon/coredns')))
})

test('masters take workloads where there is no node, and the plan says so', async () => {
  const alone = await install(clusterWorld(['m1', 'master']))
  assert.match(stepOf(alone, 'init/m1')?.title ?? '', 'takes workloads')
  const withNode = await install(clusterWorld(['m1', 'master'], ['n1', 'node']))
  assert.not.match(stepOf(withNode, 'init/m1')?.title ?? '', 'workloads')
})

test('what a killed join has left is cleared before the next attempt', async () => {
  const hosts = clusterWorld(['m1', 'master'])
  hosts[0]?.answer(/for path; do/, { exitCode: 1 })
  await runSteps(await install(hosts), hosts)
  const commands = hosts[0]?.commands ?? []
  const cleared = commands.findIndex((command) => command.includes('rm -rf "$folder"'))
  assert.ok(cleared >= 0 && cleared < commands.findIndex((command) => command.includes('kubeadm init --skip')))
})

test('a first master that was set up anew joins the cluster that the others kept', async () => {
  const hosts = clusterWorld(['m1', 'master'], ['m2', 'master'])
  await runSteps(await install(hosts), hosts)
  hosts[0]?.files.clear()
  const run = await runSteps(await install(hosts), hosts)
  assert.ok(run.ran.includes('join/m1'))
  assert.not.ok(run.ran.includes('init/m1'))
})

test('a host without an answer holds up nothing but its own removal', async () => {
  const hosts = clusterWorld(['m1', 'master'], ['n1', 'node'])
  const context = await contextFor(hosts)
  const steps = new K8sRuntime(secrets, { needsSwapOff: true }).remove(context)
  assert.equal(
    steps.map(({ after }) => after),
    [[], []],
  )
})

test('pods, Services and hosts need networks of their own', async () => {
  const hosts = [fakeHost('m1', ['master'], { address: '10.244.3.1' })]
  const context = await contextOn(hosts)
  const error = await rejection((async () => new K8sRuntime(secrets, { needsSwapOff: true }).install(context))())
  assert.ok(SealerError.is(error) && error.code === 'SUBNETS_OVERLAP')
})

test('the kubeconfig names an address that the operator reaches', async () => {
  const hosts = clusterWorld(['m1', 'master'])
  hosts[0]?.files.set('/etc/kubernetes/admin.conf', 'server: https://apiserver.cluster.local:6443\n')
  assert.is(
    await new K8sRuntime(secrets, { needsSwapOff: true }).kubeconfig(hosts),
    `server: https://${hosts[0]?.address}:6443\n`,
  )
})

test("the CA's pin is the digest of its public key", () => {
  assert.is(caHash(caCertificate), caCertificateHash)
})

test.run()

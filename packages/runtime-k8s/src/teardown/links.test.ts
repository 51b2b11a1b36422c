import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ownLinks } from './links.ts'
import { mountsBelow } from './unmount.ts'

const test = suite('links and mounts')

test("pod networks' interfaces are the cluster's, the host's are not", () => {
  const links = `1: lo: <LOOPBACK,UP> mtu 65536 qdisc noqueue state UNKNOWN
2: eth0@if12: <BROADCAST,UP> mtu 1500 qdisc noqueue state UP
3: flannel.1: <BROADCAST,UP> mtu 1450 qdisc noqueue state UNKNOWN
4: cni0: <BROADCAST,UP> mtu 1450 qdisc noqueue state UP
5: veth01ab@if2: <BROADCAST,UP> mtu 1450 qdisc noqueue master cni0 state UP
6: docker0: <BROADCAST,UP> mtu 1500 qdisc noqueue state UP
7: veth77cc@if2: <BROADCAST,UP> mtu 1500 qdisc noqueue master docker0 state UP`
  assert.equal(ownLinks(links), ['flannel.1', 'cni0', 'veth01ab'])
})

test('mounts below a folder are named deepest first, escapes undone; the folder itself stays', () => {
  const mountinfo = `1 0 8:1 / / rw - ext4 /dev/sda rw
2 1 8:1 / /var/lib/kubelet rw - ext4 /dev/sdb rw
3 2 0:5 / /var/lib/kubelet/pods/a rw - tmpfs tmpfs rw
4 3 0:6 / /var/lib/kubelet/pods/a/with\\040blank rw - tmpfs tmpfs rw`
  assert.equal(mountsBelow(mountinfo, ['/var/lib/kubelet/']), [
    '/var/lib/kubelet/pods/a/with blank',
    '/var/lib/kubelet/pods/a',
  ])
})

test.run()

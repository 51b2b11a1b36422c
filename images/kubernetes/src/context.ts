import { chmod, copyFile, cp, link, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { contentKey, once, partsFolder } from './cache.ts'
import type { Gathered } from './gathered.ts'
import { writeLayout } from './oci-layout.ts'
import type { Release } from './releases.ts'

const home = join(import.meta.dirname, '..')

/** Makes the folder that the Kubefile's instructions are about, or finds it in the cache. */
export async function buildContext(release: Release, gathered: Gathered): Promise<{ folder: string; made: boolean }> {
  const archs = [...gathered.files.keys()].sort()
  const key = contentKey({
    recipe: await ownFiles(),
    release,
    records: archs.map((arch) => [arch, gathered.files.get(arch)?.records]),
  })
  const kind = `context-${release.version}-${gathered.source}-${archs.join('-')}-`
  const folder = join(partsFolder(), `${kind}${key}`)
  const { made } = await once(folder, (unfinished) => writeContext(unfinished, gathered))
  if (made) await removeOutdated(kind, folder)
  return { folder, made }
}

/** Contexts of the same kind that another recipe made; younger ones may be in use. */
async function removeOutdated(kind: string, current: string): Promise<void> {
  const day = 24 * 60 * 60 * 1000
  for (const name of await readdir(partsFolder())) {
    const folder = join(partsFolder(), name)
    const isKind = name.startsWith(kind) && /^[0-9a-f]{16}$/.test(name.slice(kind.length))
    if (!isKind || folder === current) continue
    if ((await stat(folder)).mtimeMs < Date.now() - day) await rm(folder, { recursive: true, force: true })
  }
}

async function writeContext(folder: string, { files, images, tags }: Gathered): Promise<void> {
  for (const [arch, { bin, cni, gunzip, records }] of files) {
    for (const [name, path] of Object.entries(bin)) await place(path, join(folder, 'bin', arch, name))
    for (const [name, path] of Object.entries(cni)) await place(path, join(folder, 'cni', 'bin', arch, name))
    for (const [name, path] of Object.entries(gunzip)) await place(path, join(folder, 'igzip', arch, name))
    await place(join(home, 'rootfs/lib/igzip/igzip'), join(folder, 'igzip', arch, 'igzip'))
    await copyFile(join(home, 'rootfs/cni/bin/flannel'), join(folder, 'cni', 'bin', arch, 'flannel'))
    await chmod(join(folder, 'cni', 'bin', arch, 'flannel'), 0o755)
    await write(join(folder, 'parts', arch, 'PARTS.json'), `${JSON.stringify(records, undefined, 2)}\n`)
  }
  await cp(join(home, 'rootfs/cni/net.d'), join(folder, 'cni/net.d'), { recursive: true })
  await copyFile(join(home, 'flannel.yaml'), join(folder, 'flannel.yaml'))
  await write(join(folder, 'etc/kubeadm.yml'), kubeadmDocument(tags))
  if ('recipes' in images) await writeLayout(join(folder, 'images'), images.recipes)
  await write(join(folder, 'manifests/imageList'), imageList(images))
}

/** Fields of kubeadm's documents that follow from what is in this image; the runtime merges its own into them. */
function kubeadmDocument({ etcd, coredns }: Gathered['tags']): string {
  return [
    'apiVersion: kubeadm.k8s.io/v1beta4',
    'kind: ClusterConfiguration',
    ...(etcd === undefined ? [] : ['etcd:', '  local:', `    imageTag: ${etcd}`]),
    ...(coredns === undefined ? [] : ['dns:', `  imageTag: ${coredns}`]),
    '',
  ].join('\n')
}

function imageList(images: Gathered['images']): string {
  if ('names' in images) return `${images.names.join('\n')}\n`
  return '# every image of this OCI layout, under its own name\noci:images\n'
}

/** One file more by name, not by content, where the file system allows it: binaries are large. */
async function place(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true })
  await link(source, target).catch(() => copyFile(source, target))
}

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}

/** The text of every file here that shapes a context; a change of it makes a new one. */
async function ownFiles(): Promise<string[]> {
  const code = ['container-images', 'context', 'gathered', 'libraries', 'oci-layout', 'tar'].map(
    (name) => `src/${name}.ts`,
  )
  const others = [
    'flannel.yaml',
    'rootfs/cni/bin/flannel',
    'rootfs/cni/net.d/10-flannel.conflist',
    'rootfs/lib/igzip/igzip',
  ]
  return Promise.all([...code, ...others].map((name) => readFile(join(home, name), 'utf8')))
}

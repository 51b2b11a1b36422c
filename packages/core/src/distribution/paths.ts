/** Everything that sealer keeps on a host stands under this folder; nothing else is needed to find it again. */
export const dataRoot = '/var/lib/sealer'

/** Storage folder of the host's registry: its blobs are the host's blob store. */
export const storageRoot = `${dataRoot}/registry`

/** Folder of all verified blobs. */
export const blobsRoot = `${storageRoot}/docker/registry/v2/blobs/sha256`

/** A blob's folder in the layout of the CNCF distribution registry's file system driver. */
export function blobFolder(digest: string): string {
  const hex = hexOf(digest)
  return `${blobsRoot}/${hex.slice(0, 2)}/${hex}`
}

/** Where blobs arrive before they have been verified. */
export const incoming = `${dataRoot}/incoming`

/** A layer, unpacked once per diff ID. */
export const layerFolder = (diffId: string): string => `${dataRoot}/layers/${hexOf(diffId)}`

/** A rootfs, composed once per rootfs image. */
export const imageFolder = (rootfs: string): string => `${dataRoot}/images/${hexOf(rootfs)}`

/** What belongs to one cluster on a host. */
export function clusterPaths(cluster: string) {
  const folder = `${dataRoot}/clusters/${cluster}`
  return {
    folder,
    /** A link to the composed rootfs of the cluster's image, switched atomically. */
    rootfs: `${folder}/rootfs`,
    record: `${folder}/cluster.json`,
    registryConfig: `${folder}/registry.yml`,
    ca: `${folder}/pki/registry-ca.crt`,
    caKey: `${folder}/pki/registry-ca.key`,
    clientCertificate: `${folder}/pki/registry-client.crt`,
    clientKey: `${folder}/pki/registry-client.key`,
    serverCertificate: `${folder}/pki/registry-server.crt`,
    serverKey: `${folder}/pki/registry-server.key`,
  }
}

const digestForm = /^sha256:[0-9a-f]{64}$/

/** The hex of a sha256 digest. Digests become paths, so nothing else passes. */
export function hexOf(digest: string): string {
  if (!digestForm.test(digest)) throw new Error(`not a sha256 digest: ${digest.slice(0, 100)}`)
  return digest.slice('sha256:'.length)
}

import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { type Header, pack } from 'tar-stream'
import { digestOf } from '../image/blobs.ts'
import { sealImage } from '../image/cluster-image.ts'
import { mediaTypes } from '../image/oci.ts'
import { smallPlatform } from '../image/small-images.test.support.ts'
import type { LocalStore } from '../image/store.ts'

/** An entry of a tar; a file has the content `x`. */
export type TarHeader = Partial<Header> & { readonly name: string }

/** Puts a base image `base:v1` with such layers into a store. */
export async function putBase(store: LocalStore, layers: readonly (readonly TarHeader[])[]): Promise<void> {
  const packed = layers.map(async (entries) => {
    const archive = pack()
    for (const entry of entries) archive.entry({ mtime: new Date(0), mode: 0o644, ...entry }, entry.type ? '' : 'x')
    archive.finalize()
    const tar = await buffer(archive)
    const blob = await store.blobs.put(gzipSync(tar))
    return { blob: { mediaType: mediaTypes.layerGzip, ...blob }, diffId: digestOf(tar) }
  })
  const small = await smallPlatform(store.blobs)
  await sealImage(store, { tag: 'base:v1', platforms: [{ ...small, layers: await Promise.all(packed) }] })
}

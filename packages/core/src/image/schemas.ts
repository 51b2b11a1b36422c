import { z } from 'zod'
import type { BlobDescriptor, ClusterConfig } from './cluster-config.ts'
import { isIndexType, isManifestType, maxJsonBytes, mediaTypes } from './oci.ts'
import { isDigest, parseReference } from './reference.ts'

/**
 * The documents of images, as they come from registries and archives. What the OCI specification defines is read leniently
 * (unknown fields are allowed there) but bounded; what sealer defines is read strictly.
 */

const text = (most: number) => z.string().max(most)
const words = z.record(text(256), text(64 * 1024))
/** Sealer 0.9 to 0.11 wrote a whole document into an annotation. */
const notes = z.record(text(256), text(maxJsonBytes))

export const digestSchema = z.string().refine(isDigest, 'is not a sha256 digest')

const platformSchema = z.object({
  os: text(64).min(1),
  architecture: text(64).min(1),
  variant: text(64).min(1).exactOptional(),
})

/** OCI content descriptor. */
export const descriptorSchema = z.object({
  mediaType: text(255).min(1),
  digest: digestSchema,
  size: z.int().nonnegative(),
  annotations: words.exactOptional(),
  platform: platformSchema.exactOptional(),
}) satisfies z.ZodType<BlobDescriptor>

/** OCI image index, or docker's manifest list. */
export const indexSchema = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string().refine(isIndexType, 'is not an index').exactOptional(),
  artifactType: text(255).exactOptional(),
  manifests: z.array(descriptorSchema).max(1000),
  annotations: words.exactOptional(),
})
export type OciIndex = z.infer<typeof indexSchema>

/** OCI image manifest, or docker's version 2. */
export const manifestSchema = z.object({
  schemaVersion: z.literal(2),
  mediaType: z.string().refine(isManifestType, 'is not an image manifest').exactOptional(),
  artifactType: text(255).exactOptional(),
  config: descriptorSchema,
  layers: z.array(descriptorSchema).max(20_000),
  annotations: notes.exactOptional(),
})
export type OciManifest = z.infer<typeof manifestSchema>

/** A manifest that may belong to another one. */
export const artifactSchema = manifestSchema.extend({ subject: descriptorSchema.exactOptional() })

/** The part of an OCI image config that sealer reads. */
export const imageConfigSchema = z.object({
  os: text(64).min(1),
  architecture: text(64).min(1),
  variant: text(64).min(1).exactOptional(),
  rootfs: z.object({ type: z.literal('layers'), diff_ids: z.array(digestSchema).max(1000) }),
  history: z
    .array(z.object({ created_by: text(64 * 1024).nullish(), empty_layer: z.boolean().nullish() }))
    .max(2000)
    .nullish(),
})

/** `oci-layout`. */
export const layoutSchema = z.object({ imageLayoutVersion: z.literal('1.0.0') })

/** `manifest.json` of docker's archives. */
export const dockerArchiveSchema = z
  .array(
    z.object({
      Config: text(1024),
      RepoTags: z.array(text(512)).max(1000).nullish(),
      Layers: z.array(text(1024)).max(1000),
    }),
  )
  .max(1000)

const appName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'is not the name of an app')
const appFile = text(1024)
  .min(1)
  .refine(
    (path) => !path.startsWith('/') && !path.split('/').includes('..') && !path.includes('\0'),
    'leads out of its app',
  )
const lines = z.array(text(64 * 1024)).max(1000)

/** `application/vnd.sealer.cluster.config.v1+json`. */
export const clusterConfigSchema = z.strictObject({
  schemaVersion: z.literal(1),
  type: z.enum(['kube-installer', 'app-installer']),
  platform: z.strictObject(platformSchema.shape),
  runtime: z.strictObject({ type: text(128).min(1), version: text(128).exactOptional() }),
  apps: z
    .array(
      z.strictObject({
        name: appName,
        type: z.enum(['helm', 'kube', 'shell', 'other']),
        files: z.array(appFile).max(10_000),
        cmds: lines.exactOptional(),
        env: words.exactOptional(),
        kind: z.enum(['cni', 'csi']).exactOptional(),
      }),
    )
    .max(1000),
  launch: z.array(appName).max(1000),
  cmds: lines,
  env: words,
  labels: words,
  requirements: z.strictObject({ kubernetes: text(256).exactOptional() }),
  parts: z
    .array(
      z.strictObject({
        name: text(256).min(1),
        version: text(256),
        licence: text(256),
        source: z.enum(['official', 'built']),
      }),
    )
    .max(10_000),
  source: z.enum(['official', 'built', 'none']),
}) satisfies z.ZodType<ClusterConfig>

/** `application/vnd.sealer.cluster.images.v1+json`: which of the companion's blobs make up which container image. */
export const clusterImagesSchema = z.strictObject({
  schemaVersion: z.literal(1),
  platform: z.strictObject(platformSchema.shape),
  images: z
    .array(
      z.strictObject({
        reference: text(512).refine(isReference, 'is not the name of an image'),
        digest: digestSchema,
        mediaType: text(255).min(1),
        blobs: z.array(digestSchema).min(1).max(5000),
        apps: z.array(appName).max(1000),
        reasons: lines,
      }),
    )
    .max(10_000),
})
export type ClusterImages = z.infer<typeof clusterImagesSchema>

/** A companion, told by its two types; an ordinary image never passes. */
export const companionSchema = manifestSchema.extend({
  artifactType: z.literal(mediaTypes.cluster),
  config: descriptorSchema.extend({ mediaType: z.literal(mediaTypes.clusterConfig) }),
})

/**
 * Parses bytes against a schema. The reason of a refusal names the place in the document.
 * @throws what `refuse` makes of the reason
 */
export function parseJson<T>(schema: z.ZodType<T>, bytes: Buffer, refuse: (reason: string) => Error): T {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw refuse('a document in it is not JSON')
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  throw refuse(
    issue === undefined
      ? 'a document in it has another form'
      : `${issue.path.join('.') || 'a document in it'}: ${issue.message}`,
  )
}

function isReference(name: string): boolean {
  try {
    parseReference(name)
    return true
  } catch {
    return false
  }
}

import { z } from 'zod'
import { clusterConfigSchema, clusterImagesSchema } from './schemas.ts'

/** The documents that sealer defines as JSON Schema (draft 2020-12), by the names of their files in docs/design/schemas/. */
export const jsonSchemas = (): Readonly<Record<string, object>> => ({
  'cluster-config.json': {
    title: 'application/vnd.sealer.cluster.config.v1+json',
    ...z.toJSONSchema(clusterConfigSchema),
  },
  'cluster-images.json': {
    title: 'application/vnd.sealer.cluster.images.v1+json',
    ...z.toJSONSchema(clusterImagesSchema),
  },
})

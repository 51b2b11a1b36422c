import { z } from 'zod'
import { parseJson } from '../image/schemas.ts'

/** Annotations on the manifests of images that sealer 0.9 to 0.11 has made. */
export const oldAnnotations = {
  /** What the image is and launches, as JSON. */
  extension: 'sealer.image.extension',
  /** Names of container images, as JSON. Not complete: sealer 0.11 could lose some. */
  containerImages: 'sealer.image.container.images',
} as const

const text = (most: number) => z.string().max(most)
const texts = z.array(text(64 * 1024)).max(10_000)
const words = z.record(text(256), text(64 * 1024))

/** An app as sealer 0.9 to 0.11 wrote it down. Unknown fields are let through, as there. */
const applicationSchema = z.object({
  name: text(256),
  type: text(64).nullish(),
  /** From 0.9.1 on: paths below the app's folder, some beginning with a slash. */
  files: texts.nullish(),
  /** 0.9.0: the words of the Kubefile. */
  launchfiles: texts.nullish(),
  /** 0.11: APPCMDS. */
  cmds: texts.nullish(),
  env: words.nullish(),
})
export type OldApplication = z.infer<typeof applicationSchema>

const extensionSchema = z.object({
  type: text(64).nullish(),
  applications: z.array(applicationSchema).max(1000).nullish(),
  labels: words.nullish(),
  env: words.nullish(),
  launch: z
    .object({
      cmds: texts.nullish(),
      app_names: texts.nullish(),
      /** 0.9.1 to 0.10: APPCMDS. */
      appConfigs: z
        .array(z.object({ name: text(256), launch: z.object({ cmds: texts.nullish() }).nullish() }))
        .max(1000)
        .nullish(),
    })
    .nullish(),
})
export type OldExtension = z.infer<typeof extensionSchema>

const containerImagesSchema = z
  .array(z.object({ image: text(512), appName: text(256).nullish() }))
  .max(100_000)
  .nullish()
export type OldContainerImage = NonNullable<z.infer<typeof containerImagesSchema>>[number]

type Notes = Readonly<Record<string, string>> | undefined

/** Whether a manifest's annotations are those of a cluster image of sealer 0.9 to 0.11. */
export const isOldImage = (notes: Notes): boolean => notes?.[oldAnnotations.extension] !== undefined

/** What the image says of itself. @throws what `refuse` makes of the reason */
export const readExtension = (notes: Notes, refuse: (reason: string) => Error): OldExtension =>
  parseJson(extensionSchema, Buffer.from(notes?.[oldAnnotations.extension] ?? ''), refuse)

/** The container images that it says to carry; none where it says nothing. @throws what `refuse` makes of the reason */
export function readContainerImages(notes: Notes, refuse: (reason: string) => Error): readonly OldContainerImage[] {
  const listed = notes?.[oldAnnotations.containerImages]
  return listed === undefined ? [] : (parseJson(containerImagesSchema, Buffer.from(listed), refuse) ?? [])
}

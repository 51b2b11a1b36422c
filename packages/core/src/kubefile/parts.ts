import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import type { ClusterConfig, PartInfo } from '../image/cluster-config.ts'
import type { LayerEntry } from '../image/layer.ts'
import { buildErrors } from './errors.ts'

/** What a base image is made of, by a file at its root; further fields are for readers of the file itself. */
const partsSchema = z.array(
  z.object({
    name: z.string().min(1),
    version: z.string(),
    licence: z.string(),
    source: z.enum(['official', 'built']),
  }),
)

/**
 * The parts of an image: those that its `PARTS.json` lists, and those of its base.
 * @throws PARTS_INVALID
 */
export async function partsOf(
  entries: readonly LayerEntry[],
  base: ClusterConfig | undefined,
): Promise<Pick<ClusterConfig, 'parts' | 'source'>> {
  const list = entries.find(({ path }) => path === 'PARTS.json')
  const own = list?.kind === 'file' ? await readParts(list.source) : []
  const parts = [...(base?.parts ?? []).filter(({ name }) => !own.some((part) => part.name === name)), ...own]
  return { parts, source: sourceOf(parts) }
}

function sourceOf(parts: readonly PartInfo[]): ClusterConfig['source'] {
  if (parts.length === 0) return 'none'
  return parts.some(({ source }) => source === 'built') ? 'built' : 'official'
}

async function readParts(file: string): Promise<PartInfo[]> {
  try {
    return partsSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (cause) {
    const reason =
      cause instanceof z.ZodError
        ? (cause.issues[0]?.message ?? '')
        : cause instanceof Error
          ? cause.message
          : String(cause)
    throw buildErrors.PARTS_INVALID({ file, reason }, { cause })
  }
}

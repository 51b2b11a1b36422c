import { z } from 'zod'
import { buildErrors } from '../kubefile/errors.ts'
import type { NamedText } from './ignore-list.ts'
import type { ImageRule } from './image-rules.ts'
import { YamlProblem, yamlDocuments } from './yaml-documents.ts'

const path = z.string().max(1024)
const field = z.union([
  path,
  z.strictObject({ first: z.array(path).min(1).max(20), each: path.exactOptional(), after: path.exactOptional() }),
])
const rule = z.strictObject({
  group: z.string().max(253),
  kinds: z.array(z.string().max(253)).max(100).exactOptional(),
  names: z.array(z.string().max(253)).max(100).exactOptional(),
  images: z.array(field).max(200).exactOptional(),
  ignore: z.array(path).max(200).exactOptional(),
}) satisfies z.ZodType<ImageRule>
const file = z.strictObject({ rules: z.array(rule).max(1000) })

/**
 * Reads a file of rules: YAML, `rules` is a list of {@link ImageRule}.
 * @throws IMAGE_RULES_INVALID
 */
export function readRules({ file: name, text }: NamedText): readonly ImageRule[] {
  const refuse = (reason: string, cause?: unknown) => buildErrors.IMAGE_RULES_INVALID({ file: name, reason }, { cause })
  try {
    const [document] = yamlDocuments(text)
    const parsed = file.safeParse(document?.value ?? { rules: [] })
    const [issue] = parsed.error?.issues ?? []
    if (parsed.data === undefined) throw refuse(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
    return parsed.data.rules
  } catch (error) {
    if (!(error instanceof YamlProblem)) throw error
    throw refuse(`line ${error.line}: ${error.message}`, error)
  }
}

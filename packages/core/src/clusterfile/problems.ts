import { z } from 'zod'
import type { SealerError } from '../errors.ts'
import { nearest } from '../kubefile/nearest.ts'
import { clusterfileErrors } from './errors.ts'
import type { Positions } from './positions.ts'
import { notSupportedYet } from './schema.ts'

/** A value checked, or every problem of it with its place. */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  positions: Positions,
):
  | { readonly value: z.infer<Schema>; readonly problems: readonly [] }
  | { readonly value: undefined; readonly problems: readonly SealerError[] } {
  const result = schema.safeParse(value)
  if (result.success) return { value: result.data, problems: [] }
  return { value: undefined, problems: result.error.issues.flatMap((issue) => problemsOf(issue, schema, positions)) }
}

function problemsOf(issue: z.core.$ZodIssue, schema: z.ZodType, positions: Positions): SealerError[] {
  const field = fieldText(issue.path)
  if (issue.code === 'unrecognized_keys') {
    const known = fieldsAt(schema, issue.path)
    return issue.keys.map((key) =>
      clusterfileErrors.CLUSTERFILE_FIELD_UNKNOWN({
        place: positions.ofKey(issue.path, key),
        field: key,
        within: field,
        nearest: nearest(key, known),
        known: known.join(', '),
      }),
    )
  }
  const place = positions.of(issue.path)
  if (issue.message.startsWith(notSupportedYet)) {
    const reason = issue.message.slice(notSupportedYet.length)
    return [clusterfileErrors.CLUSTERFILE_FIELD_NOT_SUPPORTED({ place, field, reason })]
  }
  const reason = issue.message.endsWith('received undefined') ? 'it is missing' : issue.message
  return [clusterfileErrors.CLUSTERFILE_FIELD_INVALID({ place, field, reason })]
}

/** `spec.hosts[0].roles`. */
function fieldText(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the document'
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`))
    .join('')
}

/** Names of the fields that may stand at a path; those that come later are left out. */
function fieldsAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  const inner = unwrapped(schema)
  const [first, ...rest] = path
  if (inner instanceof z.ZodObject) {
    const shape: Readonly<Record<string, z.core.$ZodType>> = inner.shape
    if (first === undefined) {
      return Object.entries(shape).flatMap(([name, member]) => (unwrapped(member) instanceof z.ZodCustom ? [] : [name]))
    }
    const member = shape[String(first)]
    return member === undefined ? [] : fieldsAt(member, rest)
  }
  return inner instanceof z.ZodArray && first !== undefined ? fieldsAt(inner.element, rest) : []
}

const unwrapped = (schema: z.core.$ZodType): z.core.$ZodType =>
  schema instanceof z.ZodOptional ? unwrapped(schema.unwrap()) : schema

import type { ScalarTagDefinition } from 'js-yaml'
import {
  binaryTag,
  boolYaml11Tag,
  CORE_SCHEMA,
  floatCoreTag,
  intCoreTag,
  intYaml11Tag,
  mergeTag,
  NOT_RESOLVED,
} from 'js-yaml'

/** 0644 and 0o644 are octal, 1_000 is a thousand, 22:22 is text. */
const integer: ScalarTagDefinition<number> = {
  ...intYaml11Tag,
  resolve: (source, explicit, tag) => {
    if (source.includes(':')) return NOT_RESOLVED
    const value = intYaml11Tag.resolve(source, explicit, tag)
    return value === NOT_RESOLVED ? intCoreTag.resolve(source, explicit, tag) : value
  },
}
const float: ScalarTagDefinition<number> = {
  ...floatCoreTag,
  resolve: (source, explicit, tag) => floatCoreTag.resolve(source.replaceAll('_', ''), explicit, tag),
}

/** Reads values as Kubernetes does: YAML 1.1 without base 60 and without dates. */
export const manifestSchema = CORE_SCHEMA.withTags(boolYaml11Tag, integer, float, mergeTag, binaryTag)

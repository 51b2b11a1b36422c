import type { WantedDocument } from '@sealer/core'
import { loadAll } from 'js-yaml'
import { errors } from '../errors.ts'
import { isTree, type Tree } from './trees.ts'

/** Documents of the image's `etc/kubeadm.yml`. @throws CONFIG_UNREADABLE */
export function fragmentsOf(text: string, file: string): readonly WantedDocument[] {
  return parse(text, file).flatMap((value) => {
    if (value === null || value === undefined) return []
    if (!isTree(value) || typeof value.apiVersion !== 'string' || typeof value.kind !== 'string') {
      throw errors.CONFIG_UNREADABLE({ file, reason: 'a document without apiVersion and kind' })
    }
    return [{ apiVersion: value.apiVersion, kind: value.kind, value }]
  })
}

function parse(text: string, file: string): readonly unknown[] {
  try {
    return loadAll(text)
  } catch (cause) {
    throw errors.CONFIG_UNREADABLE({ file, reason: cause instanceof Error ? cause.message : String(cause) }, { cause })
  }
}

/** A document in the form of v1beta4: until v1beta3, extra arguments were maps. */
export function asV1beta4(tree: Tree): Tree {
  return Object.fromEntries(
    Object.entries(tree).map(([key, value]) => {
      if ((key === 'extraArgs' || key === 'kubeletExtraArgs') && isTree(value)) {
        return [key, Object.entries(value).map(([name, one]) => ({ name, value: String(one) }))]
      }
      return [key, isTree(value) ? asV1beta4(value) : value]
    }),
  )
}

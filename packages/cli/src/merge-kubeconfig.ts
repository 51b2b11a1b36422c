import { type Document, isMap, isSeq, parseDocument } from 'yaml'
import { errors } from './errors.ts'

const lists = { clusters: 'cluster', users: 'user', contexts: 'context' } as const

/**
 * A kubeconfig with one more cluster, whose entries all carry the cluster's name (every installer calls its own "kubernetes"). What is there
 * stays as it is, comments included; entries of that name are replaced.
 * @throws KUBECONFIG_INVALID
 */
export function mergedKubeconfig(before: string | undefined, added: string, name: string, file: string): string {
  const incoming = read(added, `the kubeconfig of ${name}`)
  const merged =
    before === undefined || before.trim() === '' ? parseDocument('apiVersion: v1\nkind: Config\n') : read(before, file)
  const values = { clusters: first(incoming, 'clusters'), users: first(incoming, 'users') }
  const entries = {
    clusters: { name, cluster: values.clusters },
    users: { name, user: values.users },
    contexts: { name, context: { cluster: name, user: name } },
  }
  for (const list of ['clusters', 'users', 'contexts'] as const) put(merged, list, entries[list], file)
  merged.set('current-context', name)
  return merged.toString()
}

function read(text: string, what: string): Document {
  const document = parseDocument(text)
  if (document.errors.length > 0 || !isMap(document.contents)) throw errors.KUBECONFIG_INVALID({ what })
  return document
}

function first(document: Document, list: 'clusters' | 'users'): unknown {
  const { [list]: all } = document.toJS() as Partial<Record<typeof list, readonly Record<string, unknown>[] | null>>
  const value = all?.[0]?.[lists[list]]
  if (value === undefined) throw errors.KUBECONFIG_INVALID({ what: 'the kubeconfig of the cluster' })
  return value
}

function put(document: Document, list: keyof typeof lists, entry: { readonly name: string }, file: string): void {
  const there = document.get(list)
  if (there !== undefined && there !== null && !isSeq(there)) throw errors.KUBECONFIG_INVALID({ what: file })
  if (!isSeq(there)) {
    document.set(list, document.createNode([entry]))
    return
  }
  const at = there.items.findIndex((item) => isMap(item) && item.get('name') === entry.name)
  if (at < 0) there.add(document.createNode(entry))
  else there.set(at, document.createNode(entry))
}

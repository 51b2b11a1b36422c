import { type Document, isMap, isPair, isScalar, LineCounter, parseAllDocuments, visit } from 'yaml'
import { SealerError } from '../errors.ts'
import { nearest } from '../kubefile/nearest.ts'
import type { DocumentClaim } from '../site/manifest.ts'
import type { WantedDocument } from '../wanted.ts'
import type { Wish } from '../wish.ts'
import { clusterfileErrors } from './errors.ts'
import { refuseTwice } from './merge-wishes.ts'
import { type Positions, positionsIn } from './positions.ts'
import { checked } from './problems.ts'
import { clusterSchema, firstClusterSchema } from './schema.ts'
import { type Warn, wishOfCluster, wishOfFirstCluster } from './wish-of-cluster.ts'

/** A Clusterfile read. */
export interface ClusterfileReading {
  readonly wish: Wish
  /** What works and had better be written otherwise. */
  readonly warnings: readonly string[]
}

/** Groups and versions under which `Cluster` documents are found; the form is told by the fields. */
const clusterVersions = [
  'sealer.io/v2',
  'sealer.cloud/v2',
  'sealer.aliyun.com/v2alpha1',
  'sealer.io/v1',
  'sealer.cloud/v1',
  'sealer.aliyun.com/v1alpha1',
  'zlink.aliyun.com/v1alpha1',
  'sealer.com/v1alpha1',
]
/** Kinds of the original that mean something we cannot do yet. */
const laterKinds = ['Config', 'Application', 'Plugin', 'Infra']

/** As the function of this name in clusterfile.ts, which loads this file when it is needed. */
export function readClusterfile(text: string, file: string, claims: readonly DocumentClaim[] = []): ClusterfileReading {
  const lines = new LineCounter()
  const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false })
  const documents = Array.isArray(parsed) ? parsed : []
  const syntax = documents
    .flatMap((document) => document.errors)
    .map((error) => {
      const { line, col } = lines.linePos(error.pos[0])
      return clusterfileErrors.CLUSTERFILE_SYNTAX({ place: `${file}:${line}:${col}`, reason: error.message })
    })
  if (syntax.length > 0) throw invalid(file, syntax)

  const warnings: string[] = []
  const readings = documents
    .filter(
      (document) => document.contents !== null && !(isScalar(document.contents) && document.contents.value === null),
    )
    .map((document) =>
      readDocument(document, positionsIn(document, lines, file), claims, (message) =>
        warnings.push(`${file}: ${message}`),
      ),
    )
  const problems = readings.flatMap((reading) => reading.problems ?? [])
  const clusters = readings.flatMap((reading) => reading.cluster ?? [])
  if (clusters.length !== 1 && problems.length === 0) {
    const reason =
      clusters.length === 0 ? 'there is no document of kind Cluster' : 'there are several documents of kind Cluster'
    problems.push(clusterfileErrors.CLUSTERFILE_FIELD_INVALID({ place: `${file}:1:1`, field: 'the file', reason }))
  }
  const [cluster] = clusters
  if (problems.length > 0 || cluster === undefined) throw invalid(file, problems)
  const claimed = readings.flatMap((reading) => reading.claimed ?? [])
  return { wish: claimed.length === 0 ? cluster : { ...cluster, documents: claimed }, warnings }
}

const invalid = (file: string, problems: readonly SealerError[]) =>
  clusterfileErrors.CLUSTERFILE_INVALID({ file, count: problems.length }, { problems })

interface Reading {
  readonly cluster?: Wish
  readonly claimed?: WantedDocument
  readonly problems?: readonly SealerError[]
}

function readDocument(document: Document, positions: Positions, claims: readonly DocumentClaim[], warn: Warn): Reading {
  const refuse = (problem: SealerError): Reading => ({ problems: [problem] })
  const invalidField = (path: readonly string[], field: string, reason: string) =>
    refuse(clusterfileErrors.CLUSTERFILE_FIELD_INVALID({ place: positions.of(path), field, reason }))
  if (!isMap(document.contents)) return invalidField([], 'the document', 'write a map with apiVersion and kind')
  const kind: unknown = document.get('kind')
  const apiVersion: unknown = document.get('apiVersion')
  if (typeof kind !== 'string') return invalidField(['kind'], 'kind', 'it is missing')
  if (typeof apiVersion !== 'string') return invalidField(['apiVersion'], 'apiVersion', 'it is missing')
  const place = positions.of(['kind'])
  if (kind === 'Cluster') {
    if (clusterVersions.includes(apiVersion)) return readCluster(document, positions, warn)
    return invalidField(['apiVersion'], 'apiVersion', `"${apiVersion}" is no version of Cluster; write sealer.io/v2`)
  }
  if (claims.some((claim) => claimFits(claim, apiVersion, kind)))
    return { claimed: { apiVersion, kind, value: plain(document) } }
  if (laterKinds.includes(kind)) return refuse(clusterfileErrors.CLUSTERFILE_KIND_NOT_SUPPORTED({ place, kind }))
  const known = ['Cluster', ...claims.map((claim) => claim.kind)]
  return refuse(
    clusterfileErrors.CLUSTERFILE_KIND_UNKNOWN({
      place,
      kind,
      apiVersion,
      nearest: nearest(
        kind,
        known.filter((name) => name !== kind),
      ),
    }),
  )
}

const claimFits = (claim: DocumentClaim, apiVersion: string, kind: string): boolean =>
  claim.kind === kind &&
  (claim.apiVersion.endsWith('/*')
    ? apiVersion.startsWith(claim.apiVersion.slice(0, -1))
    : claim.apiVersion === apiVersion)

function readCluster(document: Document, positions: Positions, warn: Warn): Reading {
  const spec: unknown = document.get('spec')
  const first = isMap(spec) && ['masters', 'nodes', 'provider'].some((field) => spec.has(field))
  writtenAsText(document)
  const value = plain(document)
  try {
    if (first) {
      const { value: cluster, problems } = checked(firstClusterSchema, value, positions)
      return cluster === undefined ? { problems } : { cluster: withoutTwins(wishOfFirstCluster(cluster, warn)) }
    }
    const { value: cluster, problems } = checked(clusterSchema, value, positions)
    return cluster === undefined ? { problems } : { cluster: withoutTwins(wishOfCluster(cluster, warn)) }
  } catch (error) {
    if (!SealerError.is(error)) throw error
    const field = first ? 'ipList' : 'spec.hosts'
    const place = positions.of(['spec', first ? 'masters' : 'hosts'])
    return {
      problems: [
        clusterfileErrors.CLUSTERFILE_FIELD_INVALID(
          { place, field, reason: error.message.replace(/\.$/, '') },
          { cause: error },
        ),
      ],
    }
  }
}

function withoutTwins(wish: Wish): Wish {
  refuseTwice(wish.hosts ?? [])
  return wish
}

/** Values of `env` and `labels` are texts: 1.10 stays 1.10 and does not become 1.1. */
function writtenAsText(document: Document): void {
  visit(document, {
    Pair: (_, { key, value }) => {
      if (!isScalar(key) || (key.value !== 'env' && key.value !== 'labels') || !isMap(value)) return
      for (const item of value.items) {
        if (isPair(item) && isScalar(item.value) && item.value.source !== undefined && item.value.value !== null)
          item.value.value = item.value.source
      }
    },
  })
}

const plain = (document: Document): Record<string, unknown> =>
  document.toJS({ maxAliasCount: 100 }) as Record<string, unknown>

import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { dependenciesIn } from './chart-tree.ts'
import { isRecord } from './is-record.ts'
import { isKustomizationFile, kustomizationFileIn } from './kustomization-files.ts'
import { yamlDocuments } from './yaml-documents.ts'

/** More is no tree that somebody wrote. */
const most = 200

/**
 * Folders outside of a searched one that its kustomizations build upon (`../../base`) or its charts ask for (`file://../common`), and what
 * those need in turn; all absolute. `files` are the files of the searched folder.
 */
export async function foldersBeside(folder: string, files: readonly string[]): Promise<readonly string[]> {
  const beside = new Set<string>()
  const queue = files.filter((file) => isKustomizationFile(basename(file)) || basename(file) === 'Chart.yaml')
  for (const file of queue) {
    for (const needed of await foldersNeededBy(file)) {
      const known = [folder, ...beside].some((one) => isInside(needed, one))
      const next = [kustomizationFileIn(needed), join(needed, 'Chart.yaml')].find(
        (one) => one !== undefined && existsSync(one),
      )
      if (known || next === undefined || beside.size === most) continue
      beside.add(needed)
      queue.push(next)
    }
  }
  return [...beside]
}

async function foldersNeededBy(file: string): Promise<string[]> {
  if (basename(file) !== 'Chart.yaml') return (await basesIn(file)).map((base) => resolve(dirname(file), base))
  const ways = (await dependenciesIn(file)).map(({ repository }) => /^file:\/\/(\.[^\n]*)$/.exec(repository ?? '')?.[1])
  return ways.filter((way) => way !== undefined).map((way) => resolve(dirname(file), way))
}

async function basesIn(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '')
  try {
    const value = yamlDocuments(text)[0]?.value
    if (!isRecord(value)) return []
    const lists = [value.resources, value.bases, value.components].filter(Array.isArray)
    return lists.flat().filter((one): one is string => typeof one === 'string' && one.startsWith('.'))
  } catch {
    return [] // its reader tells
  }
}

const isInside = (path: string, folder: string): boolean => {
  const way = relative(folder, path)
  return way === '' || !(way === '..' || way.startsWith(`..${sep}`))
}

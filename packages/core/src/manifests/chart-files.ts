import { existsSync } from 'node:fs'
import { copyFile, cp, mkdir, mkdtemp } from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'
import { unpackChart } from './chart-archive.ts'
import { type ChartTree, chartsOf, type Dependency, missingDependencies, readChartTree } from './chart-tree.ts'
import { dropDependencies } from './drop-dependencies.ts'
import type { LeftOut, SearchedFile } from './image-reader.ts'

/** A chart whose files lie in a folder of their own. */
export interface UnfoldedChart {
  /** What helm is pointed at: a folder, or a packed chart. */
  readonly target: string
  readonly tree: ChartTree
  /** Charts that it asks for and that its folder `charts` lacks: helm launches it no sooner than they are there. */
  readonly lacking: readonly LeftOut[]
}

/**
 * Puts a chart's files together below `folder`, since they may come from several sources, unpacks what is packed, and completes it: helm
 * renders nothing as long as a chart that is asked for is not in the folder `charts`. One that stands beside it (`file://`) is put
 * there; others are asked for no more.
 * @throws ChartProblem
 */
export async function unfoldChart(
  path: string,
  entries: readonly SearchedFile[],
  folder: string,
): Promise<UnfoldedChart> {
  const files = join(folder, 'files')
  for (const entry of entries) {
    const file = join(files, entry.path)
    await mkdir(dirname(file), { recursive: true })
    await copyFile(entry.source, file)
  }
  const scratch = join(folder, 'unpacked')
  await mkdir(scratch)
  const packed = path.endsWith('.tgz')
  const found = packed ? await mkdtemp(join(scratch, 'packed-')) : join(files, path)
  if (packed) await unpackChart(join(files, path), found)
  const tree = await readChartTree(found, path, scratch)
  const inside = tree.subcharts
    .flatMap(chartsOf)
    .flatMap((chart) => missingDependencies(chart).map(lackingIn(chart.place)))
  if (missingDependencies(tree).length === 0) return { target: join(files, path), tree, lacking: inside }
  const target = join(folder, 'complete')
  await cp(found, target, { recursive: true })
  const lacking = await complete(target, path, { files, scratch, depth: 0 })
  return { target, tree: await readChartTree(target, path, scratch), lacking: [...lacking, ...inside] }
}

/** Charts beside charts beside charts: more is a circle. */
const deepest = 8

async function complete(
  target: string,
  path: string,
  { files, scratch, depth }: { readonly files: string; readonly scratch: string; readonly depth: number },
): Promise<LeftOut[]> {
  const lacking: LeftOut[] = []
  const nowhere: string[] = []
  for (const dependency of missingDependencies(await readChartTree(target, path, scratch))) {
    const beside = folderBeside(path, dependency, files)
    lacking.push(lackingIn(path)(dependency))
    if (beside === undefined || depth === deepest) {
      nowhere.push(dependency.name)
      continue
    }
    const inner = join(target, 'charts', dependency.name)
    await cp(join(files, beside), inner, { recursive: true })
    lacking.push(...(await complete(inner, beside, { files, scratch, depth: depth + 1 })))
  }
  if (nowhere.length > 0) await dropDependencies(target, nowhere)
  return lacking
}

/** The folder that `repository: file://../common` means, if it was given, too. */
function folderBeside(path: string, { repository }: Dependency, files: string): string | undefined {
  const beside = besidePath(path, repository)
  return beside !== undefined && existsSync(join(files, beside, 'Chart.yaml')) ? beside : undefined
}

/** Where a `file://` repository of the chart at `path` stands, seen from the same root; undefined when that is outside, or it is none. */
export function besidePath(path: string, repository: string | null | undefined): string | undefined {
  const way = /^file:\/\/(.+)$/.exec(repository ?? '')?.[1]
  if (way === undefined || way.startsWith('/')) return undefined
  const beside = posix.join(path, way)
  return beside === '..' || beside.startsWith('../') ? undefined : beside
}

const lackingIn =
  (path: string) =>
  ({ name, repository }: Dependency): LeftOut => ({
    place: posix.join(path, 'Chart.yaml'),
    reason: `the chart ${name}${repository ? ` (${repository})` : ''} that it depends on is not in its folder charts; put it there: helm dependency build ${path}`,
  })

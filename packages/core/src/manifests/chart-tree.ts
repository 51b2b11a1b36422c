import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile } from 'node:fs/promises'
import { dirname, join, posix } from 'node:path'
import { z } from 'zod'
import { ChartProblem, unpackChart } from './chart-archive.ts'
import { YamlProblem, yamlDocuments } from './yaml-documents.ts'

/** A chart with the charts in it, all unpacked. */
export interface ChartTree {
  /** Where its files lie. */
  readonly folder: string
  /** Where it stands for messages, e.g. `application/apps/shop/charts/cache-1.0.tgz`. */
  readonly place: string
  readonly metadata: ChartMetadata
  readonly subcharts: readonly ChartTree[]
}

/** A chart that Chart.yaml asks for. */
export interface Dependency {
  readonly name: string
  readonly repository?: string | null | undefined
}

/** What Chart.yaml says, as far as it is read here; helm judges the rest. */
export interface ChartMetadata {
  readonly name: string
  readonly type?: string | null | undefined
  /** Of Chart.yaml, and of the requirements.yaml of older charts. */
  readonly dependencies: readonly Dependency[]
}

const dependency = z.looseObject({ name: z.string(), repository: z.string().nullish() })
const schema = z.looseObject({
  name: z.string(),
  type: z.string().nullish(),
  dependencies: z.array(dependency).nullish(),
})
const requirements = z.looseObject({ dependencies: z.array(dependency).nullish() })

/** Charts in charts in charts: more is hostile. */
const deepest = 12
const mostCharts = 500

/**
 * Reads a chart's folder; packed charts in it are unpacked below the folder `scratch`.
 * @throws ChartProblem
 */
export async function readChartTree(folder: string, place: string, scratch: string): Promise<ChartTree> {
  let charts = 0

  async function read(at: string, name: string, depth: number): Promise<ChartTree> {
    if (++charts > mostCharts || depth > deepest) throw new ChartProblem('it has too many charts in it')
    const metadata = await metadataOf(at, name)
    const subcharts: ChartTree[] = []
    for (const inner of await namesIn(join(at, 'charts'))) {
      const source = join(at, 'charts', inner)
      const where = posix.join(name, 'charts', inner)
      if (inner.startsWith('_') || inner.startsWith('.')) continue // as helm does
      if (existsSync(join(source, 'Chart.yaml'))) subcharts.push(await read(source, where, depth + 1))
      if (!inner.endsWith('.tgz')) continue
      const target = await mkdtemp(join(scratch, 'packed-'))
      await naming(where, () => unpackChart(source, target))
      subcharts.push(await read(target, where, depth + 1))
    }
    return { folder: at, place: name, metadata, subcharts }
  }

  return await read(folder, place, 0)
}

/** All charts of a tree, the outermost first. */
export const chartsOf = (tree: ChartTree): readonly ChartTree[] => [tree, ...tree.subcharts.flatMap(chartsOf)]

/** What Chart.yaml asks for and the folder `charts` lacks. */
export function missingDependencies({ metadata, subcharts }: ChartTree): readonly Dependency[] {
  const there = new Set(subcharts.map((chart) => chart.metadata.name))
  return metadata.dependencies.filter(({ name }) => !there.has(name))
}

/** What the Chart.yaml at this place asks for; nothing where it cannot be read. */
export async function dependenciesIn(file: string): Promise<readonly Dependency[]> {
  const { dependencies } = await metadataOf(dirname(file), '').catch(() => ({ dependencies: [] }))
  return dependencies
}

async function metadataOf(folder: string, place: string): Promise<ChartMetadata> {
  const { name, type, dependencies } = await documentIn(folder, place, 'Chart.yaml', schema)
  const older = existsSync(join(folder, 'requirements.yaml'))
    ? await documentIn(folder, place, 'requirements.yaml', requirements)
    : {}
  return { name, type, dependencies: older.dependencies ?? dependencies ?? [] }
}

async function documentIn<T>(folder: string, place: string, file: string, shape: z.ZodType<T>): Promise<T> {
  const text = await readFile(join(folder, file), 'utf8').catch((cause) => {
    throw new ChartProblem(`${place} has no ${file} that can be read`, { cause })
  })
  try {
    return shape.parse(yamlDocuments(text)[0]?.value ?? {})
  } catch (cause) {
    if (cause instanceof YamlProblem)
      throw new ChartProblem(`${place}/${file}:${cause.line}: ${cause.message}`, { cause })
    if (!(cause instanceof z.ZodError)) throw cause
    const [issue] = cause.issues
    throw new ChartProblem(`${place}/${file}: ${issue?.path.join('.')} ${issue?.message}`, { cause })
  }
}

async function naming(place: string, work: () => Promise<void>): Promise<void> {
  await work().catch((cause) => {
    throw cause instanceof ChartProblem ? new ChartProblem(`${place}: ${cause.message}`, { cause }) : cause
  })
}

/** In the order of their names; nothing where there is no such folder. */
async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort()
}

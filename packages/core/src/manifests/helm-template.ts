import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ownApiVersions } from './api-versions.ts'
import { ProgramProblem, runClosed } from './closed-program.ts'
import type { ChartSettings, ValueSet } from './value-sets.ts'

/** One rendering. */
export interface Rendering {
  /** A chart's folder, or a packed chart. */
  readonly target: string
  readonly release: string
  readonly set: ValueSet
  /** Where the values are written to; helm lives there, too. */
  readonly folder: string
}

/** helm, and what charts are told of the cluster. */
export interface HelmTool {
  readonly helm: string
  readonly settings: Pick<ChartSettings, 'kubernetes' | 'apiVersions'>
  readonly apiVersions: readonly string[]
  readonly signal?: AbortSignal
}

/**
 * What a chart renders into. helm's own settings and caches are kept out: a build depends on its context alone.
 * @throws ProgramProblem with what helm says
 */
export async function renderChart({ target, release, set, folder }: Rendering, tool: HelmTool): Promise<string> {
  const { helm, settings, apiVersions, signal } = tool
  const own = await mkdtemp(join(folder, 'values-'))
  const values: string[] = []
  for (const [index, text] of set.texts.entries()) {
    const file = join(own, `${index}.yaml`)
    await writeFile(file, text)
    values.push('--values', file)
  }
  const known = /^v?\d+\.\d+(?:\.\d+)?(?:[-+].*)?$/.test(settings.kubernetes ?? '')
  const version = known ? ['--kube-version', settings.kubernetes ?? ''] : []
  const served = [...new Set([...ownApiVersions(settings.kubernetes), ...apiVersions, ...settings.apiVersions])]
  const apis = served.filter((one) => /^[\w.-]+(?:\/[\w.-]+)*$/.test(one))
  const api = apis.length === 0 ? [] : ['--api-versions', apis.join(',')]
  const flags = [...version, ...api, ...values]
  const run = (...more: readonly string[]) =>
    runClosed({ program: helm, args: ['template', ...more, ...flags, '--', release, target], folder, signal })
  try {
    return await run()
  } catch (error) {
    if (error instanceof ProgramProblem && error.message.includes(hidden)) throw await whole(error, run)
    throw error
  }
}

/** What helm says when one of many templates does not come out as YAML. */
const hidden = 'Use --debug flag to render out invalid YAML'

/** The same problem with all that was rendered. */
async function whole(problem: ProgramProblem, run: (flag: string) => Promise<string>): Promise<ProgramProblem> {
  const reason = problem.message.replace(hidden, '').trim()
  const answer = await run('--debug').catch((error) => (error instanceof ProgramProblem ? error.answer : ''))
  return new ProgramProblem(reason, answer, problem)
}

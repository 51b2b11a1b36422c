import { resolve } from 'node:path'
import type { ChartWishes } from '@sealer/core'
import type { Command } from 'commander'
import { list } from './values.ts'

/** What charts are rendered with. */
export interface ChartFlags {
  readonly values?: readonly string[]
  readonly valueSets?: string
  readonly defaultValues: boolean
  readonly kubeVersion?: string
  readonly apiVersions?: readonly string[]
}

/** Options of the commands that look into charts. */
export function withChartOptions(command: Command): Command {
  return command
    .option('--values <[chart=]file>', 'values that charts are rendered with, too, as in helm; again for more', list)
    .option('--value-sets <file>', 'sets of values for each chart; by itself sealer.values.yaml of the folder')
    .option('--no-default-values', 'render with the given values alone, not with the charts’ own as well')
    .option('--kube-version <version>', 'Kubernetes that charts are told of; by itself that of the base image')
    .option(
      '--api-versions <list>',
      'API versions that charts are told of as well, e.g. monitoring.coreos.com/v1',
      list,
    )
}

/** The flags as the library takes them: paths are absolute. */
export function chartWishesOf(flags: ChartFlags): ChartWishes {
  const absolute = (value: string) => {
    const [, chart = '', file = ''] = /^(?:([^=]*)=)?(.*)$/.exec(value) ?? []
    return chart === '' ? resolve(file) : `${chart}=${resolve(file)}`
  }
  return {
    ...(flags.valueSets === undefined ? {} : { file: resolve(flags.valueSets) }),
    ...(flags.values === undefined ? {} : { values: flags.values.map(absolute) }),
    ...(flags.defaultValues ? {} : { defaults: false }),
    ...(flags.kubeVersion === undefined ? {} : { kubernetes: flags.kubeVersion }),
    ...(flags.apiVersions === undefined ? {} : { apiVersions: flags.apiVersions }),
  }
}

import { join, resolve } from 'node:path'
import { type BuildReport, platformText } from '@sealer/core'
import type { BuildFlags } from '../commands/build.ts'
import { type CliContext, print } from '../context.ts'
import { chartWishesOf } from '../flags/charts.ts'
import { imageWishesOf } from '../flags/image-wishes.ts'
import { platformOf } from './platform.ts'

const pulls = {
  missing: 'missing',
  ifnewer: 'missing',
  always: 'always',
  never: 'never',
  true: 'missing',
  false: 'never',
} as const

/** Builds, telling each instruction as it goes. */
export async function build(context: CliContext, folder: string, flags: BuildFlags): Promise<void> {
  await using sealer = await context.openSealer(flags.observe ? { wish: { infra: 'local' } } : {})
  const report = await sealer.build({
    context: resolve(folder),
    tag: flags.tag,
    ...(flags.file === undefined ? {} : { file: flags.file === '-' ? '/dev/stdin' : flags.file }),
    ...(flags.platform === undefined ? {} : { platforms: flags.platform.map(platformOf) }),
    buildArgs: flags.buildArg,
    labels: flags.label,
    ...(flags.type === undefined ? {} : { type: flags.type }),
    ...imageWishesOf(flags),
    charts: chartWishesOf(flags),
    ...(flags.compression === undefined ? {} : { compression: flags.compression }),
    ...lockOf(resolve(folder), flags),
    ...observeOf(flags),
    noCache: !flags.cache,
    sbom: flags.sbom,
    pull: pulls[flags.pull],
    onProgress: (line) => context.terminal.stderr(`${context.mask(line)}\n`),
    signal: context.signal,
  })
  print(context, report, reportText)
}

function lockOf(context: string, { lock, locked, update, updateImage = [] }: BuildFlags) {
  if (lock === false) return {}
  return {
    lock: { file: resolve(lock ?? join(context, 'sealer.lock')), locked, update: update || updateImage },
  }
}

function observeOf(flags: BuildFlags) {
  if (!flags.observe) return {}
  const { observeHosts: hosts, observeTimeout: timeoutSeconds, observeSettle: settleSeconds, observeEnv: env } = flags
  return { observe: { hosts, timeoutSeconds, settleSeconds, wish: { env }, insecure: flags.insecureObserve } }
}

const reportText = ({ reference, digest, platforms, layers, images, observed }: BuildReport): string =>
  [
    `Built ${reference} for ${platforms.map(platformText).join(', ')}: ${layers.total} layers (${layers.cached} from the cache), ${images.length} container images${observed === undefined ? '' : `, ${observed.length} of them found by observing`}.`,
    ...(observed ?? []).map(({ reference, reasons }) => `  ${reference}  ${reasons.join(', ')}`),
    digest,
  ].join('\n')

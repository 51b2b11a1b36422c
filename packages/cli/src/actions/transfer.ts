import { resolve } from 'node:path'
import type { TransferOptions } from '@sealer/core'
import type { LoadFlags, SaveFlags, TransferFlags } from '../commands/images.ts'
import { type CliContext, print, warn } from '../context.ts'
import { errors } from '../errors.ts'
import { exitCodes } from '../exit-codes.ts'
import { bytesText } from '../measures.ts'
import { showTransfer, type Transfer } from '../progress/transfer.ts'
import { platformOf } from './platform.ts'

/** Writes an archive, to a file or to standard output; then what there is to say goes to standard error. */
export async function save(context: CliContext, images: readonly string[], flags: SaveFlags): Promise<void> {
  const { output: file = '-', since = [] } = flags
  const { terminal } = context
  if (file === '-' && terminal.output.isTTY === true)
    throw errors.OPTION_INVALID({ option: '--output', value: file, reason: 'an archive is nothing for a terminal' })
  await using sealer = await context.openSealer({})
  using transfer = showTransfer(context, flags.quiet)
  const options = { ...optionsOf(context, flags, transfer), since }
  if (file === '-') {
    context.exitCode = exitCodes.failed // should the reader go away
    await sealer.images.save(images, terminal.output, options)
    context.exitCode = exitCodes.ok
    return
  }
  await sealer.images.save(images, resolve(file), options)
  const left = since.length === 0 ? '' : `, without what ${since.join(' and ')} has`
  print(context, { images, file, since }, () => `Saved ${images.join(' and ')} as ${file}${left}.`)
}

/** Reads an archive. */
export async function load(context: CliContext, file: string | undefined, flags: LoadFlags): Promise<void> {
  if (file === undefined)
    throw errors.OPTION_INVALID({ option: 'file', value: '', reason: 'name the archive, or - for standard input' })
  await using sealer = await context.openSealer({})
  using transfer = showTransfer(context, flags.quiet)
  const source = file === '-' ? context.terminal.stdin : resolve(file)
  const { tag } = flags
  const loaded = await sealer.images.load(source, { ...optionsOf(context, flags, transfer), ...(tag && { tag }) })
  print(context, loaded, (all) => all.map((image) => `Loaded ${image.reference}  ${image.digest}`).join('\n'))
}

/** Sends to a registry. */
export async function push(
  context: CliContext,
  image: string,
  target: string | undefined,
  flags: TransferFlags,
): Promise<void> {
  await using sealer = await context.openSealer({})
  using transfer = showTransfer(context, flags.quiet)
  const report = await sealer.images.push(image, target, optionsOf(context, flags, transfer))
  for (const warning of report.warnings) warn(context, warning)
  print(
    context,
    { image: target ?? image, ...report },
    ({ digest, sent, present }) =>
      `Pushed ${target ?? image}: ${bytesText(sent)} sent, ${bytesText(present)} were there already.\n${digest}`,
  )
}

/** Fetches from a registry. */
export async function pull(context: CliContext, image: string, flags: TransferFlags): Promise<void> {
  await using sealer = await context.openSealer({})
  using transfer = showTransfer(context, flags.quiet)
  const stored = await sealer.images.pull(image, optionsOf(context, flags, transfer))
  print(context, stored, ({ reference, digest, size }) => `Pulled ${reference}, ${bytesText(size)}.\n${digest}`)
}

const optionsOf = ({ signal }: CliContext, flags: TransferFlags, { onProgress }: Transfer): TransferOptions => ({
  insecure: flags.skipTlsVerify === true,
  ...(flags.platform === undefined ? {} : { platforms: flags.platform.map(platformOf) }),
  onProgress,
  signal,
})

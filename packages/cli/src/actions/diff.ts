import { type FileChange, type ImageDiff, type PlatformDiff, platformText, type SettingChange } from '@sealer/core'
import { type CliContext, print } from '../context.ts'
import { bytesText } from '../measures.ts'
import { printable } from '../printable.ts'

/** Tells what makes one image another one. */
export async function diff(
  context: CliContext,
  before: string,
  after: string,
  { summary }: { readonly summary: boolean },
): Promise<void> {
  await using sealer = await context.openSealer({})
  print(context, await sealer.images.diff(before, after, context.signal), (all) => diffText(all, summary))
}

function diffText(all: ImageDiff, summary: boolean): string {
  const { before, after, platforms, platformsAdded, platformsRemoved, move } = all
  return [
    ...platforms.flatMap((one) => platformLines(one, summary)),
    ...platformsAdded.map((platform) => `+ ${platformText(platform)}`),
    ...platformsRemoved.map((platform) => `- ${platformText(platform)}`),
    `From ${before.reference} to ${after.reference}: ${bytesText(move.bytes)} in ${move.blobs} blobs.`,
  ].join('\n')
}

function platformLines({ platform, files, images, settings }: PlatformDiff, summary: boolean): string[] {
  const section = <T extends { readonly before?: unknown; readonly after?: unknown }>(
    title: string,
    changes: readonly T[],
    line: (change: T) => string,
  ) => {
    if (changes.length === 0) return []
    const lines = summary ? [] : changes.map((change) => `    ${sign(change)} ${printable(line(change))}`)
    return [`  ${title}: ${counted(changes)}`, ...lines]
  }
  const lines = [
    ...section('Files', files, fileText),
    ...section('Container images', images, ({ reference, bytes }) => `${reference}  ${bytesText(bytes)}`),
    ...section('Settings', settings, settingText),
  ]
  return lines.length === 0 ? [`${platformText(platform)}: nothing differs`] : [platformText(platform), ...lines]
}

type Change = { readonly before?: unknown; readonly after?: unknown }

const sign = ({ before, after }: Change): string => (before === undefined ? '+' : after === undefined ? '-' : '~')

function counted(changes: readonly Change[]): string {
  const count = (wanted: string) => changes.filter((change) => sign(change) === wanted).length
  return `${count('+')} added, ${count('-')} removed, ${count('~')} changed`
}

function fileText({ path, before, after }: FileChange): string {
  if (before === undefined || after === undefined) {
    const there = before ?? after
    return there?.kind === 'folder' ? `${path}/` : `${path}  ${bytesText(there?.size ?? 0)}`
  }
  const facts: readonly (readonly [unknown, unknown])[] = [
    [before.kind, after.kind],
    [before.target, after.target],
    [before.mode.toString(8), after.mode.toString(8)],
    [`${before.uid}:${before.gid}`, `${after.uid}:${after.gid}`],
    [bytesText(before.size), bytesText(after.size)],
  ]
  const told = facts.filter(([one, other]) => one !== other).map(([one, other]) => `${one} → ${other}`)
  return `${path}  ${told.length === 0 ? `${bytesText(after.size)}, other content` : told.join(', ')}`
}

function settingText({ name, before, after }: SettingChange): string {
  const shown = [before, after].filter((value) => value !== undefined).map((value) => JSON.stringify(value))
  return `${name}  ${shown.join(' → ')}`
}

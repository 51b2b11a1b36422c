import { type HistoryEntry, type Platform, platformText, type RootfsFile } from '@sealer/core'
import type { HistoryFlags, InspectFlags } from '../commands/inspect.ts'
import { type CliContext, print } from '../context.ts'
import { bytesText } from '../measures.ts'
import { table } from '../table.ts'
import { templateText } from '../template-text.ts'
import { platformOf } from './platform.ts'

/** All that an image says of itself: JSON, what a template makes of it, or its files. */
export async function inspect(context: CliContext, reference: string, flags: InspectFlags): Promise<void> {
  await using sealer = await context.openSealer({})
  const { images } = sealer
  const { format, platform, tree } = flags
  const wanted = platform === undefined ? undefined : platformOf(platform)
  const { image, platforms } = await images.inspect(reference)
  if (wanted !== undefined) await images.store.platform(image, wanted) // refuses one that is not there
  if (tree) {
    const files = []
    for (const one of wanted ? [wanted] : image.platforms) {
      files.push({ platform: one, files: await images.files(reference, one, context.signal) })
    }
    print(context, files, treesText)
    return
  }
  const said = { ...image, platforms: platforms.filter(({ config }) => isWanted(config.platform, wanted)) }
  if (format === undefined) context.format = 'json'
  print(context, said, () => templateText(format ?? '', [said]))
}

/** Which line made which layer. */
export async function history(context: CliContext, reference: string, flags: HistoryFlags): Promise<void> {
  await using sealer = await context.openSealer({})
  const wanted = flags.platform === undefined ? undefined : platformOf(flags.platform)
  const all = await sealer.images.history(reference)
  const entries = all.filter(({ platform }) => isWanted(platform, wanted))
  print(context, entries, () =>
    flags.format === undefined ? historyText(entries, flags) : templateText(flags.format, entries),
  )
}

const isWanted = (platform: Platform, wanted: Platform | undefined): boolean =>
  wanted === undefined || platformText(platform) === platformText(wanted)

function historyText(entries: readonly HistoryEntry[], { quiet, trunc }: HistoryFlags): string {
  const digestOf = ({ digest }: HistoryEntry) => (trunc ? digest.replace(/^sha256:/, '').slice(0, 12) : digest)
  if (quiet) return entries.map(digestOf).join('\n')
  const longest = trunc ? 60 : Number.POSITIVE_INFINITY
  const lineOf = ({ createdBy = '' }: HistoryEntry) => {
    const line = createdBy.replace(/\s+/g, ' ')
    return line.length > longest ? `${line.slice(0, longest - 1)}…` : line
  }
  const rows = entries.map((entry) => [
    digestOf(entry),
    platformText(entry.platform),
    bytesText(entry.size),
    lineOf(entry),
  ])
  return table(['LAYER', 'PLATFORM', 'SIZE', 'CREATED BY'], rows)
}

const treesText = (all: readonly { readonly platform: Platform; readonly files: readonly RootfsFile[] }[]): string =>
  all.map(({ platform, files }) => (all.length > 1 ? `${platformText(platform)}\n` : '') + treeText(files)).join('\n\n')

/** Each file below its folder, as `tree` draws it. */
function treeText(files: readonly RootfsFile[]): string {
  const below = new Map<string, Map<string, RootfsFile | undefined>>([['', new Map()]])
  for (const file of files) {
    const parts = file.path.split('/')
    for (const [at, name] of parts.entries()) {
      const folder = parts.slice(0, at).join('/')
      const members = below.get(folder) ?? new Map<string, RootfsFile | undefined>()
      if (at === parts.length - 1) members.set(name, file)
      else if (!members.has(name)) members.set(name, undefined)
      below.set(folder, members)
    }
  }
  const lines = (folder: string, indent: string): string[] => {
    const members = [...(below.get(folder) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))
    return members.flatMap(([name, file], at) => {
      const path = folder === '' ? name : `${folder}/${name}`
      const last = at === members.length - 1
      return [
        `${indent}${last ? '└── ' : '├── '}${name}${noteOf(file)}`,
        ...lines(path, indent + (last ? '    ' : '│   ')),
      ]
    })
  }
  const total = files.reduce((sum, { size }) => sum + size, 0)
  const count = files.filter(({ kind }) => kind !== 'folder').length
  return ['/', ...lines('', ''), `${count} files, ${bytesText(total)}`].join('\n')
}

function noteOf(file: RootfsFile | undefined): string {
  if (file === undefined || file.kind === 'folder') return '/'
  if (file.kind === 'device') return '  (device)'
  return file.target === undefined ? `  ${bytesText(file.size)}` : ` → ${file.target}`
}

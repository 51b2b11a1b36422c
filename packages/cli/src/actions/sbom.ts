import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Sbom } from '@sealer/core'
import type { SbomFlags } from '../commands/sbom.ts'
import { type CliContext, print } from '../context.ts'
import { errors } from '../errors.ts'
import { table } from '../table.ts'

/** The fields of the document that are shown to people. */
interface Component {
  readonly name: string
  readonly version?: string
  readonly purl?: string
  readonly licenses?: readonly { readonly expression?: string; readonly license?: { readonly name: string } }[]
  readonly properties?: readonly { readonly name: string; readonly value: string }[]
}

/** Lists what an image is made of, or writes it as a file. */
export async function sbom(context: CliContext, image: string, { output, attach }: SbomFlags): Promise<void> {
  await using sealer = await context.openSealer({})
  const made = await sealer.images.sbom(image, { attach, signal: context.signal })
  if (output === 'json') return context.terminal.stdout(made.document)
  if (output !== undefined && output !== 'text') await write(output, made.document)
  print(context, made, () => [listText(made), ...doneText(made, output)].join('\n'))
}

async function write(file: string, document: string): Promise<void> {
  await writeFile(resolve(file), document).catch((cause: Error) => {
    throw errors.FILE_UNREADABLE({ file, reason: cause.message }, { cause })
  })
}

function listText({ document }: Sbom): string {
  const { components } = JSON.parse(document) as { readonly components: readonly Component[] }
  const rows = components.map((one) => [
    one.name,
    one.version ?? '',
    one.purl?.split(/[:/]/)[1] ?? '',
    (one.licenses ?? []).map(({ expression, license }) => expression ?? license?.name ?? '').join(', '),
    one.properties?.find(({ name }) => name === 'io.sealer:platform')?.value ?? '',
  ])
  return table(['NAME', 'VERSION', 'KIND', 'LICENCE', 'PLATFORM'], rows)
}

function doneText({ attached }: { readonly attached?: string }, output: string | undefined): string[] {
  return [
    ...(output === undefined || output === 'text' ? [] : [`Wrote ${output}.`]),
    ...(attached === undefined ? [] : [`Attached ${attached}.`]),
  ]
}

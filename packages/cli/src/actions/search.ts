import type { SearchFlags } from '../commands/search.ts'
import { type CliContext, print } from '../context.ts'

/** Lists names, one a line. */
export async function search(context: CliContext, name: string, { skipTlsVerify }: SearchFlags): Promise<void> {
  await using sealer = await context.openSealer({})
  const found = await sealer.images.search(name, { insecure: skipTlsVerify, signal: context.signal })
  print(context, found, (names) => (names.length === 0 ? `${name}: nothing found.` : names.join('\n')))
}

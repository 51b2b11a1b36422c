import { textOrNothing } from './pin-file.ts'
import type { SshSettings } from './ssh-config.ts'

/** What an ssh_config(5) says of addresses; of none where the file is absent. */
export async function readSshConfig(file: string | undefined): Promise<(address: string) => SshSettings> {
  const text = file === undefined ? '' : await textOrNothing(file)
  if (text.trim() === '') return () => ({})
  const { parseSshConfig } = await import('./ssh-config.ts')
  return parseSshConfig(text)
}

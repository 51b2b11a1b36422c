import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { sandboxErrors } from './errors.ts'

/** Programs of this machine that a sandbox is made with, and the Debian package of each. */
const packages = {
  unshare: 'util-linux',
  mount: 'mount',
  tar: 'tar',
  bwrap: 'bubblewrap',
  getfattr: 'attr',
  slirp4netns: 'slirp4netns',
  ip: 'iproute2',
} as const

/** @throws SANDBOX_PROGRAM_MISSING naming all that are missing */
export async function needPrograms(network: 'default' | 'none'): Promise<void> {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin', '/bin']
  const wanted = Object.entries(packages).filter(
    ([name]) => network === 'default' || !['slirp4netns', 'ip'].includes(name),
  )
  const here = async (program: string) => {
    for (const folder of folders) {
      const found = await access(join(folder, program), constants.X_OK).then(
        () => true,
        () => false,
      )
      if (found) return true
    }
    return false
  }
  const found = await Promise.all(wanted.map(([name]) => here(name)))
  const missing = wanted.filter((_program, at) => !found[at])
  if (missing.length === 0) return
  throw sandboxErrors.SANDBOX_PROGRAM_MISSING({
    programs: missing.map(([name]) => name),
    packages: [...new Set(missing.map(([, name]) => name))],
  })
}

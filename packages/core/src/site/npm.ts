import { siteErrors } from './errors.ts'

/** Lets npm change a site: no scripts of packages are run, and peers (core itself) are not fetched. @throws PLUGIN_INSTALL_FAILED */
export async function npm(site: string, [verb = '', ...args]: readonly string[], signal: AbortSignal): Promise<void> {
  const { execa } = await import('execa')
  signal.throwIfAborted()
  const quiet = ['--ignore-scripts', '--omit=dev', '--legacy-peer-deps', '--no-audit', '--no-fund', '--loglevel=error']
  const { exitCode, stderr, code } = await execa('npm', [verb, '--prefix', site, ...quiet, ...args], {
    reject: false,
    cancelSignal: signal,
    stdin: 'ignore',
  })
  signal.throwIfAborted()
  if (exitCode === 0) return
  const what = args.at(-1) ?? ''
  if (code === 'ENOENT') throw siteErrors.PLUGIN_INSTALL_FAILED({ what, reason: 'there is no npm on this machine' })
  throw siteErrors.PLUGIN_INSTALL_FAILED({ what, reason: lastLines(stderr) })
}

const lastLines = (text: string): string =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.includes('A complete log of this run'))
    .slice(-4)
    .join('\n')

import { runLocal } from '../local/run-local.ts'
import { siteErrors } from './errors.ts'

/** Lets npm change a site: no scripts of packages are run, and peers (core itself) are not fetched. @throws PLUGIN_INSTALL_FAILED */
export async function npm(site: string, [verb = '', ...args]: readonly string[], signal: AbortSignal): Promise<void> {
  const quiet = ['--ignore-scripts', '--omit=dev', '--legacy-peer-deps', '--no-audit', '--no-fund', '--loglevel=error']
  try {
    await runLocal('npm', [verb, '--prefix', site, ...quiet, ...args], { signal })
  } catch (cause) {
    signal.throwIfAborted()
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw siteErrors.PLUGIN_INSTALL_FAILED({ what: args.at(-1) ?? '', reason }, { cause })
  }
}

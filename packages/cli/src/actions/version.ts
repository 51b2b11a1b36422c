import { pluginApi } from '@sealer/core'
import { type CliContext, print } from '../context.ts'
import { ownVersion } from '../own-version.ts'

/** Versions of what a report should name. */
export function version(context: CliContext, short: boolean): void {
  const versions = {
    sealer: ownVersion(),
    pluginApi,
    node: process.version,
    platform: `${process.platform}/${process.arch}`,
  }
  print(context, versions, (all) =>
    short ? all.sealer : `sealer ${all.sealer}\nplugin API ${all.pluginApi}\nNode.js ${all.node} on ${all.platform}`,
  )
}

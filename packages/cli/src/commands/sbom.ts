import type { Command } from 'commander'
import type { CliContext } from '../context.ts'
import { declare, examples, withUnsignedOption } from '../flags/common.ts'

/** Flags of `sbom`. */
export interface SbomFlags {
  readonly output?: string
  readonly attach: boolean
}

/** `sealer sbom`: what an image is made of. */
export function sbomCommand(context: CliContext): Command {
  return withUnsignedOption(declare('sbom', 'list what a cluster image is made of, for people or as CycloneDX'))
    .argument('<image>')
    .option('-o, --output <file>', 'write CycloneDX 1.6 (JSON) into this file; json prints it')
    .option('--attach', 'let it belong to the image: push, pull, save and load take it along', false)
    .addHelpText(
      'after',
      examples(
        ['sealer sbom dashboard:v1', 'packages, Go modules and container images, with their licences'],
        ['sealer sbom dashboard:v1 -o dashboard.cdx.json', 'for scanners'],
        ['sealer sbom dashboard:v1 --output json', 'the same on standard output'],
        ['sealer sbom dashboard:v1 --attach', 'as sealer build --sbom does'],
      ),
    )
    .action(async (image: string, flags: SbomFlags) => {
      const { sbom } = await import('../actions/sbom.ts')
      await sbom(context, image, flags)
    })
}

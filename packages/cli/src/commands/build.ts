import { type Command, Option } from 'commander'
import type { CliContext } from '../context.ts'
import { type ChartFlags, withChartOptions } from '../flags/charts.ts'
import { declare, examples, withUnsignedOption } from '../flags/common.ts'
import { type ImageWishFlags, withImageWishOptions } from '../flags/image-wishes.ts'
import { assignments, integer, list } from '../flags/values.ts'

/** Flags of `build`. */
export interface BuildFlags extends ChartFlags, ImageWishFlags {
  readonly file?: string
  readonly tag: string
  readonly type?: 'kube-installer' | 'app-installer'
  readonly platform?: readonly string[]
  readonly buildArg: Readonly<Record<string, string>>
  readonly label: Readonly<Record<string, string>>
  readonly cache: boolean
  readonly lock?: string | false
  readonly locked: boolean
  readonly update: boolean
  readonly updateImage?: readonly string[]
  readonly sbom: boolean
  readonly pull: 'missing' | 'ifnewer' | 'always' | 'never' | 'true' | 'false'
  readonly compression?: 'gzip' | 'zstd'
  readonly observe: boolean
  readonly observeHosts: number
  readonly observeTimeout: number
  readonly observeSettle: number
  readonly observeEnv: Readonly<Record<string, string>>
  readonly insecureObserve: boolean
}

/** `sealer build`: a cluster image from a Kubefile. */
export function buildCommand(context: CliContext): Command {
  const command = withUnsignedOption(declare('build', 'make a cluster image from a Kubefile'))
    .argument('[context]', 'folder that the Kubefile copies from', '.')
    .requiredOption('-t, --tag <name>', 'name of the image, e.g. dashboard:v1')
    .option('-f, --file <Kubefile>', 'the Kubefile, - for standard input; by itself the one in the context')
    .addOption(new Option('--kubefile <file>').hideHelp())
    .option('--platform <list>', 'platforms, e.g. linux/amd64,linux/arm64; by itself this machine’s', list)
    .addOption(new Option('--target-platform <list>').argParser(list).hideHelp())
    .option('--build-arg <name=value>', 'value of an ARG; again for more', assignments, {})
    .option('--label <name=value>', 'label of the image; again for more', assignments, {})
    .addOption(new Option('--type <type>', 'what it installs').choices(['kube-installer', 'app-installer']))
  return withImageWishOptions(withChartOptions(command))
    .addOption(
      new Option('--compression <how>', 'of new layers; zstd is smaller and faster, and hosts need it').choices([
        'gzip',
        'zstd',
      ]),
    )
    .option('--observe', 'make a throw-away cluster of the image, and carry what it asks for, too', false)
    .option('--observe-hosts <count>', 'hosts of that cluster, made on this machine', integer(1, 20), 1)
    .option('--observe-timeout <seconds>', 'how long it may take to come to rest', integer(30, 86_400), 900)
    .option('--observe-settle <seconds>', 'how long nothing new may happen until it is at rest', integer(1, 3_600), 30)
    .option('--observe-env <name=value>', 'variable for it, as --env of sealer run; again for more', assignments, {})
    .option('--insecure-observe', 'observe although nothing proves who has made the base image', false)
    .option('--lock <file>', 'lock file: which digest each tag means; by itself sealer.lock in the context')
    .option('--no-lock', 'neither read nor write a lock file')
    .option('--locked', 'build from the lock file alone; fail when it does not pin an image', false)
    .option('--update', 'renew all pins of the lock file', false)
    .option('--update-image <list>', 'renew the pins of these images', list)
    .option('--no-cache', 'build every layer again')
    .option('--sbom', 'attach a list of everything that is in it (CycloneDX)', false)
    .addOption(
      new Option('--pull <when>', 'when to fetch the base image')
        .choices(['missing', 'ifnewer', 'always', 'never', 'true', 'false'])
        .default('missing'),
    )
    .addHelpText(
      'after',
      examples(
        ['sealer build -t dashboard:v1 .', 'the Kubefile of this folder'],
        ['sealer build -t operators:v1 --observe .', 'with the images that its apps ask for when they run'],
        ['sealer build -t dashboard:v1 --platform linux/amd64,linux/arm64 .', 'for x86 and ARM'],
      ),
    )
    .action(
      async (
        folder: string,
        flags: BuildFlags & { readonly kubefile?: string; readonly targetPlatform?: readonly string[] },
      ) => {
        const { build } = await import('../actions/build.ts')
        const file = flags.file ?? flags.kubefile
        const platform = flags.platform ?? flags.targetPlatform
        await build(context, folder, { ...flags, ...(file && { file }), ...(platform && { platform }) })
      },
    )
}

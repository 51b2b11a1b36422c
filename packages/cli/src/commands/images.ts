import { type Command, Option } from 'commander'
import type { CliContext } from '../context.ts'
import { type ChartFlags, withChartOptions } from '../flags/charts.ts'
import { declare, examples, withUnsignedOption } from '../flags/common.ts'
import { type ImageWishFlags, withImageWishOptions } from '../flags/image-wishes.ts'
import { archiveFile, collect, list } from '../flags/values.ts'

/** Flags of `images`. */
export interface ImagesFlags {
  readonly digests: boolean
  readonly json: boolean
  readonly quiet: boolean
  readonly heading: boolean
  readonly trunc: boolean
  readonly filter: readonly string[]
  readonly format?: string
  readonly of?: string
  readonly why: boolean
}

/** `sealer images`: what the store holds. */
export function imagesCommand(context: CliContext): Command {
  return declare('images', 'list the cluster images of this machine')
    .addCommand(findCommand(context))
    .argument('[name]', 'those of this repository or name alone; * stands for anything')
    .option('--digests', 'show digests', false)
    .option('--no-trunc', 'show digests in full')
    .option(
      '--filter <key=value>',
      'reference=GLOB, platform=linux/arm64, label=NAME[=VALUE], before=IMAGE, since=IMAGE; again for more',
      collect,
      [],
    )
    .option('--format <template>', 'a Go template for each image; "table …" with headings, \\t between columns')
    .option('-n, --no-heading', 'leave the headings away')
    .option('-q, --quiet', 'digests alone', false)
    .option('--of <image>', 'the container images that this cluster image carries')
    .option('--why', 'with --of: each with the files and lines that need it', false)
    .addOption(new Option('--json').default(false).hideHelp())
    .addOption(new Option('-a, --all').hideHelp())
    .addHelpText(
      'after',
      examples(
        ['sealer images', 'name, size and age of each'],
        ['sealer images --filter platform=linux/arm64', 'those that run on ARM'],
        ["sealer images --format '{{.Reference}} {{bytes .Size}}'", 'fields of your choice'],
        ['sealer images -q', 'for scripts'],
        ['sealer images --of dashboard:v1 --why', 'what it carries, and for which file and line'],
      ),
    )
    .action(async (name: string | undefined, flags: ImagesFlags) => {
      const { carried, images } = await import('../actions/images.ts')
      if (flags.of === undefined) await images(context, name, flags)
      else await carried(context, flags.of, flags)
    })
}

/** Flags of `images find`. */
export interface FindFlags extends ChartFlags, ImageWishFlags {
  readonly why: boolean
  readonly from?: string
}

/** `sealer images find`: what a build would pack. */
function findCommand(context: CliContext): Command {
  const command = declare('find', 'show which container images a build would pack, and what it would leave out')
    .argument('[path]', 'a folder of manifests, charts and kustomizations, a chart, a file, - for standard input', '.')
    .option('--why', 'each with the files, lines and fields that name it', false)
    .option(
      '--from <image>',
      'base image of the store: its helm renders where this machine has none, for its Kubernetes',
    )
  return withUnsignedOption(withImageWishOptions(withChartOptions(command)))
    .addHelpText(
      'after',
      examples(
        ['sealer images find deploy/', 'one image a line; what was left out goes to standard error'],
        ['sealer images find charts/shop --values prod.yaml --why', 'with the template that names each'],
        ['kustomize build . | sealer images find -', 'manifests of another program'],
      ),
    )
    .action(async (path: string, flags: FindFlags) => {
      const { findImages } = await import('../actions/find-images.ts')
      await findImages(context, path, flags)
    })
}

/** `sealer tag`: one more name. */
export function tagCommand(context: CliContext): Command {
  return declare('tag', 'give a cluster image one more name')
    .argument('<image>')
    .argument('<name>')
    .addHelpText(
      'after',
      examples(['sealer tag dashboard:v1 registry.example/team/dashboard:v1', 'ready to be pushed there']),
    )
    .action(async (image: string, name: string) => {
      const { tag } = await import('../actions/images.ts')
      await tag(context, image, name)
    })
}

/** `sealer rmi`: names away, and what no other name needs. */
export function rmiCommand(context: CliContext): Command {
  return declare('rmi', 'take names of cluster images away, and what no other name needs')
    .argument('<images...>')
    .addOption(new Option('-f, --force').hideHelp())
    .addOption(new Option('-p, --prune').hideHelp())
    .addHelpText('after', examples(['sealer rmi dashboard:v1', 'frees what only it needs']))
    .action(async (images: string[]) => {
      const { rmi } = await import('../actions/images.ts')
      await rmi(context, images)
    })
}

/** Flags of everything that moves images. */
export interface TransferFlags {
  readonly platform?: readonly string[]
  readonly skipTlsVerify: boolean
  readonly quiet: boolean
}

const withTransferOptions = (command: Command): Command =>
  command
    .option('-q, --quiet', 'show no progress', false)
    .addOption(new Option('--tmp-dir <folder>').hideHelp())
    .addOption(new Option('--authfile <file>').hideHelp())

/** Flags of `save`. */
export interface SaveFlags extends TransferFlags {
  readonly output?: string
  readonly since?: readonly string[]
}

/** `sealer save`: images as a file. */
export function saveCommand(context: CliContext): Command {
  return withTransferOptions(declare('save', 'write cluster images into an archive'))
    .argument('<images...>')
    .option('-o, --output <file>', 'the archive to write (.tar); by itself, and for -, standard output', archiveFile)
    .option('--platform <list>', 'these platforms alone, e.g. linux/arm64', list)
    .option('--since <images>', 'leave out what the receiver has of these images', list)
    .addOption(new Option('--format <format>').choices(['oci-archive']).default('oci-archive').hideHelp())
    .addOption(new Option('--compress').hideHelp())
    .addHelpText(
      'after',
      examples(
        ['sealer save dashboard:v1 -o dashboard.tar', 'for a site without network'],
        ['sealer save dashboard:v2 --since dashboard:v1 -o delta.tar', 'only what is new, for a site that has v1'],
        ['sealer save dashboard:v1 shop:v1 -o both.tar', 'what both need is in it once'],
        ['sealer save dashboard:v1 | ssh site sealer load -', 'through a pipe, without a file'],
      ),
    )
    .action(async (images: string[], flags: SaveFlags) => {
      const { save } = await import('../actions/transfer.ts')
      await save(context, images, flags)
    })
}

/** Flags of `load`. */
export interface LoadFlags extends TransferFlags {
  readonly tag?: string
}

/** `sealer load`: images of a file into the store. */
export function loadCommand(context: CliContext): Command {
  return withTransferOptions(withUnsignedOption(declare('load', 'read cluster images from an archive')))
    .argument('[file]', 'the archive (.tar) or layout folder; - for standard input')
    .option('--platform <list>', 'these platforms have to be there, e.g. linux/arm64', list)
    .option('-t, --tag <name>', 'name of the image, where another tool has written none or another one')
    .addOption(new Option('-i, --input <file>').hideHelp())
    .addHelpText(
      'after',
      examples(
        ['sealer load dashboard.tar', 'every digest is checked'],
        ['sealer load -t dashboard:v1 layout/', 'a folder that another tool has written'],
      ),
    )
    .action(async (file: string | undefined, flags: LoadFlags & { readonly input?: string }) => {
      const { load } = await import('../actions/transfer.ts')
      await load(context, file ?? flags.input, flags)
    })
}

const withRegistryOptions = (command: Command): Command =>
  withTransferOptions(command).option(
    '--skip-tls-verify',
    'allow plain HTTP and certificates that cannot be verified',
    false,
  )

/** `sealer push`: an image to a registry. */
export function pushCommand(context: CliContext): Command {
  return withRegistryOptions(declare('push', 'send a cluster image to a registry'))
    .argument('<image>')
    .argument('[target]', 'name there; by itself the name here')
    .addOption(new Option('--all').hideHelp())
    .addHelpText('after', examples(['sealer push registry.example/team/dashboard:v1', 'sends what the registry lacks']))
    .action(async (image: string, target: string | undefined, flags: TransferFlags) => {
      const { push } = await import('../actions/transfer.ts')
      await push(context, image, target, flags)
    })
}

/** `sealer pull`: an image from a registry. */
export function pullCommand(context: CliContext): Command {
  return withRegistryOptions(withUnsignedOption(declare('pull', 'fetch a cluster image from a registry')))
    .argument('<image>')
    .option('--platform <list>', 'these platforms alone, e.g. linux/arm64', list)
    .addOption(new Option('--policy <when>').hideHelp())
    .addHelpText(
      'after',
      examples(['sealer pull registry.example/team/dashboard:v1', 'goes on where it was interrupted']),
    )
    .action(async (image: string, flags: TransferFlags) => {
      const { pull } = await import('../actions/transfer.ts')
      await pull(context, image, flags)
    })
}

import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Platform } from '../hosts/host.ts'
import type { ClusterConfig } from '../image/cluster-config.ts'
import { FileDigests } from '../image/layer-digests.ts'
import type { Logger } from '../logger.ts'
import { BuildContext } from './context.ts'
import { type Draft, type DraftInput, draftImage } from './draft.ts'
import { IgnoreRules } from './ignore.ts'
import { parseKubefile } from './parse.ts'

/** What the tests of Kubefiles share: contexts, and a Kubefile executed in one. */

const deployment = (name: string, image: string) => `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}}
spec:
  template:
    spec:
      containers:
        - name: ${name}
          image: ${image}
`

/** A context with manifests, a chart, scripts, a mixture of them, and a program for each platform. */
export const everyKindOfFile: Readonly<Record<string, string>> = {
  'deploy/web.yaml': deployment('web', 'hub.example/web:1.0'),
  'deploy/svc.yml': 'apiVersion: v1\nkind: Service\nmetadata: {name: web}\n',
  'deploy/20/db.yaml': deployment('db', 'hub.example/db:1.0'),
  'chart/cache/Chart.yaml': 'apiVersion: v2\nname: cache\nversion: 0.1.0\n',
  'chart/cache/values.yaml': 'image: hub.example/cache:1.0\n',
  'chart/cache/templates/deploy.yaml': deployment('cache', '{{ .Values.image }}'),
  'ops/a.sh': 'echo a\n',
  'ops/z.sh': 'echo z\n',
  'assets/run.sh': 'echo run\n',
  'mixed/m.yaml': 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n',
  'mixed/install.sh': 'echo install\n',
  'mixed/notes.md': '# notes\n',
  'net.yaml': deployment('net', 'hub.example/net:1.0'),
  'bin/amd64/tool': 'for amd64\n',
  'bin/arm64/tool': 'for arm64\n',
}

/** A build context that goes away with the scope. */
export interface TemporaryContext extends AsyncDisposable {
  readonly folder: string
  readonly context: BuildContext
  write(path: string, content: string, mode?: number): Promise<void>
  link(path: string, target: string): Promise<void>
}

/** `ignore` is the text of the ignore file. */
export async function temporaryContext(
  files: Readonly<Record<string, string>> = {},
  ignore = '',
): Promise<TemporaryContext> {
  const above = await realpath(await mkdtemp(join(tmpdir(), 'sealer-context-')))
  const folder = join(above, 'context')
  await mkdir(folder)
  const place = async (path: string) => {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    return join(folder, path)
  }
  const write = async (path: string, content: string, mode = 0o644) => {
    await writeFile(await place(path), content)
    await chmod(await place(path), mode)
  }
  for (const [path, content] of Object.entries(files)) await write(path, content)
  return {
    folder,
    context: new BuildContext(
      folder,
      await FileDigests.open(join(above, 'digests'), folder),
      new IgnoreRules({ file: '.kubeignore', text: ignore }),
    ),
    write,
    link: async (path, target) => symlink(target, await place(path)),
    [Symbol.asyncDispose]: () => rm(above, { recursive: true, force: true }),
  }
}

/** A logger that keeps its warnings. */
export function listening(): Logger & { readonly warnings: string[] } {
  const warnings: string[] = []
  return { warnings, debug: () => {}, info: () => {}, warn: (line) => void warnings.push(line) }
}

/** How a Kubefile is executed in a test. */
export interface DraftingOptions {
  readonly platform?: Platform
  readonly base?: ClusterConfig
  readonly buildArgs?: Readonly<Record<string, string>>
  readonly logger?: Logger
  /** What RUN does; without it nothing is executed. */
  readonly run?: DraftInput['run']
  /** Files of every image; those of the context when nothing is said. */
  readonly imageFiles?: DraftInput['imageFiles']
}

/** Executes instructions on `FROM scratch`, for linux/arm64 unless told otherwise. */
export async function draftOf(
  { context, folder }: TemporaryContext,
  instructions: string,
  {
    platform = { os: 'linux', architecture: 'arm64' },
    base,
    buildArgs = {},
    logger = listening(),
    run = async () => [],
    imageFiles = async () => context,
  }: DraftingOptions = {},
): Promise<Draft> {
  const kubefile = parseKubefile(instructions.startsWith('FROM ') ? instructions : `FROM scratch\n${instructions}`)
  return draftImage({
    kubefile,
    platform,
    base,
    buildArgs,
    context,
    downloads: join(folder, '..', 'downloads'),
    logger,
    run,
    imageFiles,
  })
}

/** Paths of all files of a draft, by layer. */
export const filesOf = ({ layers }: Draft): string[][] =>
  layers.map(({ entries }) => entries.filter(({ kind }) => kind !== 'folder').map(({ path }) => path))

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { createSealer } from '../../packages/core/src/create-sealer.ts'
import type { FoundImage } from '../../packages/core/src/hooks.ts'
import type { Plugin } from '../../packages/core/src/plugin.ts'

const run = promisify(execFile)

/** What a build finds in a tree of files, and what it says of the rest. */
export interface Findings {
  readonly images: readonly FoundImage[]
  readonly told: readonly string[]
}

/** A folder of `testdata/find`: a tree, what is packed before it is looked at, and what is to be found in it. */
export interface Case {
  readonly name: string
  readonly images: readonly string[]
  /** Pieces of what must be told. */
  readonly told: readonly string[]
}

/** Reads what a case expects: an image a line, and after a dash what must be told. */
export async function readCase(folder: string, name: string): Promise<Case> {
  const lines = (await readFile(join(folder, name, 'expected.txt'), 'utf8')).split('\n').filter((line) => line !== '')
  const told = lines.filter((line) => line.startsWith('- ')).map((line) => line.slice(2))
  return { name, told, images: lines.filter((line) => !line.startsWith('- ')).sort() }
}

/** Builds the tree of a case as far as to the images, which are not fetched. */
export async function foundIn(folder: string): Promise<Findings> {
  const work = await realpath(await mkdtemp(join(tmpdir(), 'sealer-find-')))
  try {
    await cp(folder, work, { recursive: true })
    await packCharts(work)
    const tree = join(work, 'tree')
    const kubefile = existsSync(join(work, 'Kubefile')) ? await readFile(join(work, 'Kubefile'), 'utf8') : usual(tree)
    await writeFile(
      join(work, 'Kubefile'),
      `FROM scratch\nLABEL cluster.alpha.sealer.io/cluster-runtime-version=v1.34.4\n${kubefile}`,
    )
    // Somebody has listed an image, so that what does not render is told and not fatal.
    await writeFile(join(work, 'list'), 'listed.example/by/hand:1\n')
    const told: string[] = []
    const listen = (line: string) => void told.push(line)
    const found: FoundImage[] = []
    await using sealer = createSealer({
      home: join(work, 'home'),
      logger: { debug: listen, info: () => {}, warn: listen },
      plugins: [takeOver(found)],
    })
    const file = join(work, 'Kubefile')
    await sealer.build({ context: tree, file, tag: 'found:1', imageList: join(work, 'list') })
    return { images: found, told }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

const usual = (tree: string): string =>
  ['charts', 'manifests'].flatMap((name) => (existsSync(join(tree, name)) ? [`COPY ${name} ${name}\n`] : [])).join('')

/** `FOLDER ARCHIVE` a line: charts that are packed as helm packs them. */
async function packCharts(work: string): Promise<void> {
  const list = await readFile(join(work, 'pack.txt'), 'utf8').catch(() => '')
  for (const line of list.split('\n').filter((one) => one !== '')) {
    const [folder = '', archive = ''] = line.split(' ')
    await mkdir(dirname(join(work, archive)), { recursive: true })
    await run('tar', ['-czf', join(work, archive), '-C', join(work, dirname(folder)), folder.split('/').at(-1) ?? ''])
  }
}

/** Takes what was found, and lets nothing be fetched. */
const takeOver = (found: FoundImage[]): Plugin => ({
  name: 'take-over',
  apply({ hooks }) {
    hooks.build.images.tapPromise('take-over', async (images) => {
      found.push(...images.filter(({ reference }) => !reference.startsWith('listed.example/')))
      return []
    })
  },
})

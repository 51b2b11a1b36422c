import { copyFile, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { CacheNotes } from '../image/cache-notes.ts'
import { fileStamp } from '../image/layer-digests.ts'
import { ProgramProblem, runClosed } from './closed-program.ts'
import type { ImageSearch, LeftOut, NamedAt, ReadImages, SearchedFile } from './image-reader.ts'
import { isRecord } from './is-record.ts'
import type { Kustomization } from './kustomization.ts'
import { yamlDocuments } from './yaml-documents.ts'

/** A kustomization with all that it builds upon. */
export interface KustomizationTree {
  readonly root: Kustomization
  readonly closure: readonly Kustomization[]
  readonly files: readonly SearchedFile[]
}

/** What renders kustomizations. */
export interface KustomizeTool {
  /** Path of `kubectl` or of `kustomize`. */
  readonly program: string
  /** Remembers what kustomizations name. */
  readonly notes: CacheNotes
  readonly signal?: AbortSignal
  readonly imagesIn: ImageSearch['imagesIn']
  /** Which rules what comes out is read by. */
  readonly rules: string
}

/** What a kustomization renders into names; `problems` are what keeps it from being applied as it is. */
export interface KustomizedImages extends ReadImages {
  readonly problems: readonly LeftOut[]
}

/** Renders a kustomization without what it cannot have, once for the same files. Never fails for what is in it. */
export async function imagesInKustomization(tree: KustomizationTree, tool: KustomizeTool): Promise<KustomizedImages> {
  const key = await keyOf(tree, tool)
  const known = await tool.notes.read<KustomizedImages>(key)
  if (known !== undefined) return known
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'sealer-kustomize-')))
  const { root } = tree
  try {
    await unfold(tree, join(folder, 'tree'))
    const target = join(folder, 'tree', root.path)
    const how = basename(tool.program).startsWith('kustomize') ? 'build' : 'kustomize'
    const output = await runClosed({ program: tool.program, args: [how, '--', target], folder, signal: tool.signal })
    const images = readOutput(output, root.file.path, tool)
    if (images.problems.length === 0) await tool.notes.write(key, images)
    return images
  } catch (cause) {
    if (!(cause instanceof ProgramProblem)) throw cause
    const reason = cause.message.replaceAll(join(folder, 'tree', '/'), '')
    return { images: [], doubts: [], problems: [{ place: root.file.path, reason }] }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Changes whenever what is read out of the same kustomization would be something else. */
const reading = 3

async function keyOf({ root, closure, files }: KustomizationTree, { program, rules }: KustomizeTool): Promise<string> {
  const all = files.map(({ path, digest }) => [path, digest])
  const stamp = await fileStamp(await realpath(program))
  return JSON.stringify([reading, rules, root.path, stamp, closure.map(({ path, rest }) => [path, rest]), all])
}

/** Puts the files together as they stand in the image. */
async function unfold({ closure, files }: KustomizationTree, folder: string): Promise<void> {
  for (const { path, source } of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await copyFile(source, join(folder, path))
  }
  for (const path of closure.flatMap(({ blanks }) => blanks)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), '', { flag: 'a' })
  }
  for (const { file, lacking, rest } of closure)
    if (rest !== undefined && lacking.length > 0) await writeFile(join(folder, file.path), JSON.stringify(rest)) // JSON is YAML
}

function readOutput(output: string, place: string, { imagesIn }: KustomizeTool): KustomizedImages {
  const images: NamedAt[] = []
  const doubts: LeftOut[] = []
  const problems: LeftOut[] = []
  for (const text of output.split(/^---\n/m)) {
    const found = imagesIn(text)
    const broken = found.doubts.flatMap((doubt) => doubt.broken ?? [])
    problems.push(...broken.map((reason) => ({ place, reason: `what it renders into is no YAML: ${reason}` })))
    if (broken.length > 0 || found.images.length + found.doubts.length === 0) continue
    const object = objectIn(text)
    const from = `${place} (${object})`
    const inObject = (field: string) => field.replace(`${object}: `, '')
    images.push(...found.images.map(({ reference, field }) => ({ reference, field: inObject(field), place: from })))
    doubts.push(...found.doubts.map(({ line: _, ...doubt }) => ({ ...doubt, place: from })))
  }
  return { images, doubts, problems }
}

/** `Deployment web`. */
function objectIn(text: string): string {
  const value = yamlDocuments(text)[0]?.value
  const name = isRecord(value) && isRecord(value.metadata) ? value.metadata.name : undefined
  return [isRecord(value) ? value.kind : undefined, name].filter((one) => typeof one === 'string').join(' ')
}

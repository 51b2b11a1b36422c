import { readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { CacheNotes } from '../image/cache-notes.ts'
import type { AppConfig } from '../image/cluster-config.ts'
import { buildErrors } from '../kubefile/errors.ts'
import type {
  ImageReader,
  ImageSearch,
  ImageSource,
  LeftOut,
  NamedAt,
  ReadImages,
  SearchedFile,
} from './image-reader.ts'
import { type Kustomization, kustomizationsIn, withBases } from './kustomization.ts'
import { imagesInKustomization, type KustomizationTree, type KustomizedImages } from './kustomize.ts'

/**
 * Reads what kustomize renders. A tree has those kustomizations rendered that no other builds upon, and that of an app; what belongs to one
 * counts as rendered, and is not read as it stands.
 */
export function kustomizeReader(render = imagesInKustomization): ImageReader {
  const told = new Set<string>()
  return {
    name: 'kustomization',
    claim: async (files, { apps, beside = [] }) => {
      const whole = [...files, ...beside]
      const all = await kustomizationsIn(whole)
      const own = new Set(files.map(({ path }) => path))
      return rootsOf(all, apps)
        .filter(({ file }) => own.has(file.path))
        .map((root) => ({ path: root.path, files: filesOf(withBases(root, all), whole) }))
    },
    read: async (source, search) => {
      const { images, doubts } = await readKustomization(source, search, render)
      const fresh = doubts.filter(({ place, reason }) => !told.has(`${place} ${reason}`))
      for (const { place, reason } of fresh) told.add(`${place} ${reason}`) // two overlays have the same to say of their base
      return { images, doubts: fresh }
    },
  }
}

/** @throws KUSTOMIZATION_INVALID, KUSTOMIZE_MISSING */
async function readKustomization(
  { path, files }: ImageSource,
  search: ImageSearch,
  render: typeof imagesInKustomization,
): Promise<ReadImages> {
  const all = await kustomizationsIn(files)
  const root = all.get(path)
  if (root === undefined) return { images: [], doubts: [] }
  const closure = withBases(root, all)
  const strict = isLaunched(path, search.apps) && !search.listed && search.lenient !== true
  const rendered = await renderIfPossible({ root, closure, files }, search, { render, strict })
  const problems = [...closure.flatMap((one) => one.lacking), ...rendered.problems]
  const [problem] = problems
  if (problem !== undefined && strict) throw buildErrors.KUSTOMIZATION_INVALID(problem)
  const outside = await imagesOutside(closure, files, search)
  const plain = rendered.problems.length > 0 ? await imagesInside(closure, files, search) : []
  return { images: [...rendered.images, ...plain], doubts: [...problems, ...rendered.doubts, ...outside] }
}

async function renderIfPossible(
  tree: KustomizationTree,
  { program: find, cache, imagesIn, rules, signal }: ImageSearch,
  { render, strict }: { readonly render: typeof imagesInKustomization; readonly strict: boolean },
): Promise<KustomizedImages> {
  const { root } = tree
  const nothing = { images: [], doubts: [], problems: [] }
  if (root.rest === undefined) return nothing
  const program = await find('kubectl', 'kustomize')
  if (program === undefined && strict) throw buildErrors.KUSTOMIZE_MISSING({ kustomization: root.path })
  if (program === undefined)
    return {
      ...nothing,
      doubts: [{ place: root.file.path, reason: 'there is neither kubectl nor kustomize to render this' }],
    }
  const notes = new CacheNotes(join(cache, 'kustomizations'))
  return await render(tree, { program, notes, imagesIn, rules, ...(signal !== undefined && { signal }) })
}

/** What sealer applies itself, or what somebody else will apply as a manifest. */
function isLaunched(path: string, apps: readonly AppConfig[]): boolean {
  const name = /^application\/apps\/([^/]+)/.exec(path)?.[1]
  return name === undefined || apps.some((app) => app.name === name && app.type === 'kube')
}

/** Those that no other builds upon, and those of apps; components are nothing by themselves. */
function rootsOf(all: ReadonlyMap<string, Kustomization>, apps: readonly AppConfig[]): Kustomization[] {
  const used = new Set([...all.values()].flatMap(({ bases }) => bases))
  const ofApps = apps.map(({ name }) => `application/apps/${name}`)
  const whole = [...all.values()].filter(({ isComponent }) => !isComponent)
  const roots = whole.filter(({ path }) => !used.has(path) || ofApps.includes(path))
  const reached = new Set(roots.flatMap((root) => withBases(root, all)))
  const circles = whole.filter((one) => !reached.has(one)) // kustomize says what is wrong with them
  return [...roots, ...circles]
}

/** What the kustomizations name, and what stands beside them. */
function filesOf(closure: readonly Kustomization[], files: readonly SearchedFile[]): SearchedFile[] {
  const folders = new Set(closure.map(({ path }) => path))
  const named = new Set(closure.flatMap((one) => one.files))
  return files.filter(({ path }) => named.has(path) || folders.has(posix.dirname(path)))
}

/** What does not render still says what it is made of: the images before anything is patched. */
async function imagesInside(
  closure: readonly Kustomization[],
  files: readonly SearchedFile[],
  { imagesIn }: ImageSearch,
): Promise<NamedAt[]> {
  const named = new Set(closure.flatMap((one) => one.files))
  const inside = files.filter(({ path }) => named.has(path) && /\.(?:ya?ml|json)$/.test(path))
  const images = await Promise.all(
    inside.map(async ({ path, source }) =>
      imagesIn(await readFile(source, 'utf8')).images.map(({ line, ...image }) => ({
        ...image,
        place: `${path}:${line}`,
      })),
    ),
  )
  return images.flat()
}

/** Manifests that stand beside a kustomization which does not name them: they belong to nothing. */
async function imagesOutside(
  closure: readonly Kustomization[],
  files: readonly SearchedFile[],
  { imagesIn }: ImageSearch,
): Promise<LeftOut[]> {
  const named = new Set(closure.flatMap((one) => [one.file.path, ...one.files]))
  const beside = files.filter(({ path }) => !named.has(path) && /\.ya?ml$/.test(path))
  const outside = await Promise.all(
    beside.map(async ({ path, source }) => {
      const { images } = imagesIn(await readFile(source, 'utf8'))
      const reason = (reference: string) =>
        `${reference} stands in a file that the kustomization ${posix.dirname(path)} does not name`
      return images.map(({ reference, line }) => ({ place: `${path}:${line}`, reference, reason: reason(reference) }))
    }),
  )
  return outside.flat()
}

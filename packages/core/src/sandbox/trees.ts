import { createHash, randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, copyFile, lstat, mkdir, readdir, rename, rm, stat, symlink, utimes } from 'node:fs/promises'
import { join, posix } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { BlobStore } from '../image/blobs.ts'
import type { RootfsLayer } from '../image/cluster-config.ts'
import { byPath, type LayerEntry } from '../image/layer.ts'
import { hashing, openArchive } from '../image/tar-file.ts'
import { sandboxErrors } from './errors.ts'
import { own, scriptInUserNamespace } from './user-namespace.ts'

const day = 24 * 60 * 60_000
/** A tree that nobody has used for this long goes away, in milliseconds; one that was never finished earlier. */
const treesStay = 14 * day
const draftsStay = day
const root = { uid: 0, gid: 0 }

/**
 * Layers as folders on disk, by what they are made of, so that each is unpacked once. A tree has `files`, as overlayfs wants them, and `below` where
 * something hides what lower layers have. Ids are those of the sandbox. Several processes may share them: a tree appears as a whole.
 */
export class Trees {
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  /** Opens the trees of a folder, and removes those that nobody uses any more. */
  static async open(folder: string): Promise<Trees> {
    await mkdir(folder, { recursive: true })
    await chmod(folder, 0o755) // the sandbox's root is a stranger on this machine
    for (const name of await readdir(folder)) {
      const seen = await stat(join(folder, name)).catch(() => undefined)
      const stays = name.startsWith('new-') ? draftsStay : treesStay
      if (seen && Date.now() - seen.mtimeMs > stays) await rm(join(folder, name), { recursive: true, force: true })
    }
    return new Trees(folder)
  }

  /** Name of the tree of a key, relative to the folder. */
  nameOf(key: string): string {
    return createHash('sha256').update(key).digest('hex').slice(0, 20)
  }

  async has(key: string): Promise<boolean> {
    const now = new Date()
    return utimes(join(this.folder, this.nameOf(key)), now, now).then(
      () => true,
      () => false,
    )
  }

  /** The tree of a key; `fill` makes it in a new folder unless it is there. */
  async tree(key: string, fill: (folder: string) => Promise<void>): Promise<string> {
    const name = this.nameOf(key)
    if (await this.has(key)) return name
    await using draft = await this.draft()
    await fill(draft.path)
    await draft.publish(key)
    return name
  }

  /** A folder to make a tree in. What is not published goes away. */
  async draft(): Promise<
    AsyncDisposable & {
      readonly name: string
      readonly path: string
      publish(key: string): Promise<void>
    }
  > {
    const name = `new-${randomUUID()}`
    const path = join(this.folder, name)
    await mkdir(path)
    await own(path, root)
    await chmod(path, 0o755)
    return {
      name,
      path,
      publish: async (key) => {
        await rename(path, join(this.folder, this.nameOf(key))).catch(async (error) => {
          if (!(await this.has(key))) throw error // else another process was first, with the same
        })
      },
      [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
    }
  }

  /** Folders for overlayfs of trees in the order of their layers, the upper first. */
  async lower(names: readonly string[]): Promise<string[]> {
    const folders: string[] = []
    for (const name of names.toReversed()) {
      folders.push(`${name}/files`)
      const below = await stat(join(this.folder, name, 'below')).catch(() => undefined)
      if (below?.isDirectory()) folders.push(`${name}/below`)
    }
    return folders
  }
}

/** A folder of a tree, as root of the sandbox has it. */
export async function ownFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true })
  await own(path, root)
  await chmod(path, 0o755)
}

/** Folders one in the other, each as {@link ownFolder}. */
export async function ownFolders(root: string, path: string): Promise<void> {
  let place = root
  for (const part of path.split('/')) {
    place = join(place, part)
    await ownFolder(place)
  }
}

// Unpacks a layer from standard input into ./files. GNU tar neither leaves the folder nor writes through links of the same archive, and other
// layers are elsewhere; it runs with no rights on this machine's files. Devices of /dev are left out: a sandbox has its own.
// Whiteouts (image-spec, layer.md) become overlayfs's; a folder that hides all below it gets a whiteout in ./below, a layer right under this one.
const unpackScript = `
set -e
mkdir files below
tar -x -p --numeric-owner --same-owner --xattrs --xattrs-include='user.*' --xattrs-include=security.capability \
  --xattrs-exclude='user.overlay.*' --anchored --exclude='dev/*' --exclude='./dev/*' -f - -C files
cd -P files
find . -name '.wh.*' -exec sh -c '
  hide() {
    [ ! -L "../below/$1" ] && [ -d "../below/$1" ] && rm -rf "../below/$1"
    mkdir -p "../below/$(dirname "$1")" 2>/dev/null || return 0
    [ -e "../below/$1" ] || mknod "../below/$1" c 0 0
  }
  for mark do
    folder=\${mark%/*} name=\${mark##*/.wh.}
    rm -rf "$mark"
    case $name in
      .wh..opq) [ "$folder" = . ] && { echo "it hides everything below it" >&2; exit 1; }; hide "$folder" ;;
      .wh.*) ;;
      ""|.|..) echo "$mark is no whiteout" >&2; exit 1 ;;
      *) if [ ! -L "$folder/$name" ] && [ -d "$folder/$name" ]; then hide "$folder/$name"
         elif [ ! -e "$folder/$name" ] && [ ! -L "$folder/$name" ]; then mknod "$folder/$name" c 0 0; fi ;;
    esac
  done' sh {} +
cd -P ..
rmdir below 2>/dev/null || true`

/**
 * Unpacks a layer of an image into a folder. Hostile are its paths, links, owners, devices, whiteouts and its size.
 * @throws LAYER_NOT_UNPACKED, ARCHIVE_INVALID
 */
async function unpackLayer(file: string, layer: RootfsLayer, folder: string, signal?: AbortSignal): Promise<void> {
  const problem = (reason: string, cause?: unknown) =>
    sandboxErrors.LAYER_NOT_UNPACKED({ layer: layer.blob.digest, reason }, { cause })
  const digest = createHash('sha256')
  const feed = async (stdin: Writable) => {
    const tar: Readable = await openArchive(file)
    await pipeline(tar, hashing(digest), stdin)
  }
  await scriptInUserNamespace(unpackScript, [], { cwd: folder, feed, problem, signal })
  const found = `sha256:${digest.digest('hex')}`
  if (found !== layer.diffId) throw problem(`it unpacks to ${found}, not to ${layer.diffId}`)
}

/** Unpacks layers, each once; gives the names of their trees, the lowest first. @throws LAYER_NOT_UNPACKED, SANDBOX_FORBIDDEN */
export async function unpackAll(
  trees: Trees,
  layers: readonly RootfsLayer[],
  blobs: BlobStore,
  signal?: AbortSignal,
): Promise<string[]> {
  const names: string[] = []
  for (const layer of layers) {
    const file = blobs.path(layer.blob.digest)
    names.push(await trees.tree(layer.diffId, (folder) => unpackLayer(file, layer, folder, signal)))
  }
  return names
}

/**
 * Writes files of the build context into a folder, as they will stand in the image.
 * @throws LAYER_NOT_UNPACKED
 */
export async function writeTree(entries: readonly LayerEntry[], folder: string, signal?: AbortSignal): Promise<void> {
  const files = join(folder, 'files')
  await ownFolder(files)
  const folders = new Set(['.'])
  for (const entry of entries.toSorted(byPath)) {
    signal?.throwIfAborted()
    const { path, mode, owner } = entry
    const place = join(files, path)
    if (!folders.has(posix.dirname(path))) {
      const reason = `${path} stands below something that is no folder`
      throw sandboxErrors.LAYER_NOT_UNPACKED({ layer: 'of this build', reason })
    }
    if (entry.kind === 'folder') {
      await mkdir(place)
      folders.add(path)
    } else if (entry.kind === 'link') await symlink(entry.target, place)
    else if (entry.kind === 'file') await copyFile(entry.source, place, constants.COPYFILE_FICLONE)
    await own(place, owner)
    if (entry.kind !== 'link') await chmod(place, mode)
  }
}

/** Whether something other than a whiteout stands at a path of a tree; links on the way are not followed. */
export async function standsIn(tree: string, path: string): Promise<boolean> {
  let place = tree
  for (const part of path.split('/')) {
    const seen = await lstat(place).catch(() => undefined)
    if (seen?.isDirectory() !== true) return false
    place = join(place, part)
  }
  const seen = await lstat(place).catch(() => undefined)
  return seen !== undefined && !seen.isCharacterDevice()
}

import type { CopyOptions } from './context.ts'
import { modeOf } from './file-mode.ts'
import type { Add, Copy } from './instructions.ts'
import type { Scene } from './scene.ts'
import type { Word } from './words.ts'

/** Owner and modes that `--chown` and `--chmod` ask for. @throws KUBEFILE_INVALID */
export function copyOptions({ chown, chmod }: Copy | Add, scene: Scene): CopyOptions {
  return {
    ...(chown && { owner: ownerOf(chown, scene) }),
    ...(chmod && { mode: modeChange(chmod, scene) }),
  }
}

/** As in a Dockerfile, a user alone is the group too. */
function ownerOf(word: Word, scene: Scene): NonNullable<CopyOptions['owner']> {
  const [user = '', group = user, ...more] = scene.text(word).split(':')
  const [uid, gid] = [user, group].map(idOf)
  if (uid !== undefined && gid !== undefined && more.length === 0) return { uid, gid }
  throw scene.problem(
    word.at,
    `"${scene.text(word)}" is no owner: other users than root are known by number only.`,
    'Write --chown=UID:GID, e.g. --chown=65534:65534. Which name a number has is up to the hosts that the files go to.',
  )
}

/** Numbers as large as tar and Linux have them. */
function idOf(text: string): number | undefined {
  if (text === 'root') return 0
  return /^\d{1,10}$/.test(text) && Number(text) < 2 ** 32 - 1 ? Number(text) : undefined
}

function modeChange(word: Word, scene: Scene): NonNullable<CopyOptions['mode']> {
  const change = modeOf(scene.text(word))
  if (change !== undefined) return change
  throw scene.problem(
    word.at,
    `"${scene.text(word)}" is no mode.`,
    'Write octal digits, e.g. --chmod=0755, or what is changed, e.g. --chmod=u=rwX,go=rX.',
  )
}

/** What becomes of the permission bits of a file. */
export type ModeChange = (mode: number, isFolder: boolean) => number

const everyone = { u: 0o4700, g: 0o2070, o: 0o1007 } as const
type Who = keyof typeof everyone

interface Clause {
  readonly who: readonly Who[]
  readonly actions: readonly { readonly operator: string; readonly permissions: string }[]
}

/**
 * A mode as chmod(1) takes it: octal digits, or clauses like `u=rwX,go-w` (POSIX; no umask: a clause without u, g, o means all). Undefined
 * for anything else.
 */
export function modeOf(text: string): ModeChange | undefined {
  if (/^0?[0-7]{3,4}$/.test(text)) return () => Number.parseInt(text, 8)
  const clauses = text.split(',').map(clauseOf)
  if (!clauses.every((clause) => clause !== undefined)) return undefined
  return (mode, isFolder) => clauses.reduce((bits, clause) => applied(clause, bits, isFolder), mode)
}

function clauseOf(text: string): Clause | undefined {
  const [, who = '', actions] = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/.exec(text) ?? []
  if (actions === undefined) return undefined
  const all = who === '' || who.includes('a')
  return {
    who: (['u', 'g', 'o'] as const).filter((one) => all || who.includes(one)),
    actions: [...actions.matchAll(/([-+=])([rwxXst]*|[ugo])(?=[-+=]|$)/g)].map(
      ([, operator = '', permissions = '']) => ({
        operator,
        permissions,
      }),
    ),
  }
}

function applied({ who, actions }: Clause, before: number, isFolder: boolean): number {
  const scope = who.reduce((bits, one) => bits | everyone[one], 0)
  let mode = before
  for (const { operator, permissions } of actions) {
    const bits = bitsOf(permissions, mode, isFolder) & scope
    if (operator === '+') mode |= bits
    else if (operator === '-') mode &= ~bits
    else mode = (mode & ~(isFolder ? scope & 0o777 : scope)) | bits
  }
  return mode
}

/** Permission letters for user, group and others; `X` is x for folders and for what somebody may run already. */
function bitsOf(permissions: string, mode: number, isFolder: boolean): number {
  if (permissions === 'u') return ((mode >> 6) & 7) * 0o111
  if (permissions === 'g') return ((mode >> 3) & 7) * 0o111
  if (permissions === 'o') return (mode & 7) * 0o111
  const runs = permissions.includes('x') || (permissions.includes('X') && (isFolder || (mode & 0o111) !== 0))
  return (
    (permissions.includes('r') ? 0o444 : 0) |
    (permissions.includes('w') ? 0o222 : 0) |
    (runs ? 0o111 : 0) |
    (permissions.includes('s') ? 0o6000 : 0) |
    (permissions.includes('t') ? 0o1000 : 0)
  )
}

import { InvalidArgumentError } from 'commander'

/** An option that may be given several times; each value as it stands. */
export const collect = (value: string, previous: readonly string[]): string[] => [...previous, value]

/** A list with commas; the option may be given several times. An empty text is an empty list. */
export const list = (value: string, previous: readonly string[] | undefined): string[] => [
  ...(previous ?? []),
  ...value
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== ''),
]

/**
 * `NAME=value`, several of them with commas between, the option several times. A comma splits only before another `NAME=`,
 * so that `CertSANs=a.lab,b.lab` stays one value. The last of a name wins.
 */
export function assignments(text: string, previous: Readonly<Record<string, string>>): Record<string, string> {
  const pairs = text.split(/,(?=\s*[A-Za-z_][\w./-]*=)/).map((pair): [string, string] => {
    const at = pair.indexOf('=')
    if (at <= 0) throw new InvalidArgumentError(`Write NAME=value instead of "${pair}".`)
    return [pair.slice(0, at).trim(), pair.slice(at + 1)]
  })
  return { ...previous, ...Object.fromEntries(pairs) }
}

/** A whole number within bounds. */
export const integer =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`Write a whole number from ${least} to ${most}.`)
    }
    return value
  }

const seconds = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const

/** An age such as `90m`, `24h` or `7d`, in milliseconds. */
export function age(text: string): number {
  const [, count = '', unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? []
  if (count === '') throw new InvalidArgumentError('Write an age like 90m, 24h or 7d.')
  return Number(count) * seconds[unit as keyof typeof seconds] * 1000
}

const prefixes = ['', 'k', 'm', 'g', 't'] as const

/** Bytes such as `500MB`, `10GB` or `1.5GiB`. */
export function bytes(text: string): number {
  const [, count = '', prefix = '', binary] = /^(\d{1,6}(?:\.\d{1,3})?) ?([kmgt]?)(i?)b?$/i.exec(text) ?? []
  if (count === '') throw new InvalidArgumentError('Write a size like 500MB or 10GB.')
  const power = prefixes.indexOf(prefix.toLowerCase() as (typeof prefixes)[number])
  return Math.round(Number(count) * (binary === '' ? 1000 : 1024) ** power)
}

/** Where `--output` names a file: what everywhere else is a format would become a file of that name in silence. */
export function archiveFile(path: string): string {
  if (path !== 'json' && path !== 'text') return path
  throw new InvalidArgumentError(
    `--output names the file here; for an answer in ${path} write sealer --output ${path} save …, for such a file ./${path}.`,
  )
}

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

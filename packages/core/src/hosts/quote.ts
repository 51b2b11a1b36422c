/** Quotes one word for a POSIX shell: nothing in it is special any more. The only place where this is done. */
export function quote(word: string): string {
  if (word.includes('\0')) throw new Error('A command line cannot hold a NUL byte.')
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** An argument list as one line for a POSIX shell. */
export const quoteAll = (argv: readonly string[]): string => argv.map(quote).join(' ')

/** `export` statements for a POSIX shell, one a line; names are checked, values quoted. */
export function exports(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => {
      if (!/^[A-Za-z_]\w*$/.test(name))
        throw new Error(`${JSON.stringify(name)} is no name of an environment variable.`)
      return `export ${name}=${quote(value)}`
    })
    .join('\n')
}

/** A TOML basic string. JSON writes the same escapes. */
export const quoted = (text: string): string => JSON.stringify(text)

/** An array of strings. */
export const list = (texts: readonly string[]): string => `[${texts.map(quoted).join(', ')}]`

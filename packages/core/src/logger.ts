/** Where core says what it does. Text that arrives here has its secrets masked already. */
export interface Logger {
  debug(message: string): void
  info(message: string): void
  warn(message: string): void
}

/** Says nothing. */
export const silentLogger: Logger = { debug: () => {}, info: () => {}, warn: () => {} }

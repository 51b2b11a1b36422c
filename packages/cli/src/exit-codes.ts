/** What the process ends with. Scripts may rely on these. */
export const exitCodes = {
  ok: 0,
  /** It was tried and failed. */
  failed: 1,
  /** Nothing was tried: the command, a file it reads or an answer it needs is wrong, or it was declined. */
  unwilling: 2,
  /** Stopped by Ctrl-C. */
  interrupted: 130,
} as const

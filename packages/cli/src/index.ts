export { createProgram, runCli } from './cli.ts'
export type { CliContext, Format, Questions, SealerRequest, Terminal } from './context.ts'
export { exitCodes } from './exit-codes.ts'

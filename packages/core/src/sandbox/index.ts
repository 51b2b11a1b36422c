export { Runner } from './runner.ts'
export { Trees } from './trees.ts'

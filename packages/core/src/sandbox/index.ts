export { LayeredFiles } from './layered-files.ts'
export { Runner } from './runner.ts'
export { Trees, unpackAll } from './trees.ts'

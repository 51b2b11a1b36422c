import { runRelay } from './relay-process.ts'

const [home = '', cluster = ''] = process.argv.slice(2)
runRelay(home, cluster)

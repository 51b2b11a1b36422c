// Kept light: this process lives as long as its cluster, so core is not loaded into it.
import { runRelay } from './relay-process.ts'

const [home = '', cluster = ''] = process.argv.slice(2)
runRelay(home, cluster)

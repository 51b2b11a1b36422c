// Where things are kept beside the checkout. Two folders hold everything: SEALER_HOME and the caches.
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The root of this checkout. */
export const checkout = join(import.meta.dirname, '..')

/** The image store, clusters, site plugins and logins: SEALER_HOME, else ~/.sealer. */
export const homeFolder = () => process.env.SEALER_HOME || join(homedir(), '.sealer')

/** What can be fetched or built again: SEALER_CACHE, else ~/.cache/sealer. */
export const cacheFolder = () => process.env.SEALER_CACHE || join(homedir(), '.cache/sealer')

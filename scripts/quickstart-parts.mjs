// What is made by building the base image for the first time, for the question that is asked before.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { cacheFolder } from './folders.mjs'

/** Nothing when the parts of the base image are in the cache. Measured on 2 cores with an empty cache. */
export function baseImageParts() {
  if (existsSync(join(cacheFolder(), 'parts'))) return []
  return [
    {
      title: `the parts of the base image, built from Go modules below ${cacheFolder()}`,
      megabytes: 9000,
      minutes: 14,
    },
  ]
}

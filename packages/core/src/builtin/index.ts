import type { Plugin } from '../plugin.ts'
import { operatorImages } from './operator-images.ts'
import { platformByMachine } from './platform-by-machine.ts'
import { readCharts } from './read-charts.ts'
import { readKustomizations } from './read-kustomizations.ts'
import { readManifests } from './read-manifests.ts'

/** Plugins of ours, written like anyone's; readers of container images in the order in which they claim files. */
export const builtinPlugins = (): readonly Plugin[] => [
  platformByMachine(),
  readCharts(),
  readKustomizations(),
  readManifests(),
  operatorImages(),
]

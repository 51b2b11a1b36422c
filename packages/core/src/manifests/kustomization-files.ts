import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Names that kustomize looks for in a folder. */
const names: readonly string[] = ['kustomization.yaml', 'kustomization.yml', 'Kustomization']

/** Whether a file of this name says how kustomize renders its folder. */
export const isKustomizationFile = (name: string): boolean => names.includes(name)

/** The one of a folder. */
export const kustomizationFileIn = (folder: string): string | undefined =>
  names.map((name) => join(folder, name)).find((file) => existsSync(file))

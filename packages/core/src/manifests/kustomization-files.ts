/** Names that kustomize looks for in a folder. */
const names: readonly string[] = ['kustomization.yaml', 'kustomization.yml', 'Kustomization']

/** Whether a file of this name says how kustomize renders its folder. */
export const isKustomizationFile = (name: string): boolean => names.includes(name)

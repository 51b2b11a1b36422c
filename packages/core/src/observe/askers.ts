import { SealerError } from '../errors.ts'
import { fullName, parseReference } from '../image/reference.ts'
import type { KubeObject } from '../launch/kubectl.ts'

/** An object that others own: pods, and what stands between them and what a user has made. */
interface Owned extends KubeObject {
  readonly metadata?: NonNullable<KubeObject['metadata']> & {
    readonly generateName?: string
    readonly ownerReferences?: readonly {
      readonly kind: string
      readonly name: string
      readonly controller?: boolean
    }[]
  }
}

/** What the kubelet says of a pod, e.g. that it is pulling an image. */
interface PodEvent extends KubeObject {
  readonly message?: string
  readonly involvedObject?: { readonly kind?: string; readonly namespace?: string }
}

interface Container {
  readonly image?: unknown
}

/** Who asked for a container image: apps by their name, and what a user would look for in the cluster. */
export interface AskedBy {
  readonly apps: readonly string[]
  /** `Deployment shop/worker`, sorted. */
  readonly who: readonly string[]
}

/** What an image launches. */
export interface LaunchedApps {
  readonly apps: readonly { readonly name: string }[]
  readonly launch: readonly string[]
  readonly cmds: readonly string[]
}

/**
 * Remembers which pods asked for which image, by looking at a cluster again and again: pods come and go. What it says has to be the same for
 * every cluster made of the same image, so names that were drawn by lot are traced back to who drew them.
 */
export class Askers {
  readonly #launched: LaunchedApps
  readonly #found = new Map<string, { readonly apps: Set<string>; readonly who: Set<string> }>()

  constructor(launched: LaunchedApps) {
    this.#launched = launched
  }

  /** Pods, with the replica sets and jobs among which their owners are. */
  look(objects: readonly KubeObject[]): void {
    const owners = new Map(objects.map((object) => [keyOf(object.kind, object), object as Owned]))
    for (const pod of objects) {
      if (pod.kind !== 'Pod') continue
      for (const image of imagesOf(pod)) this.#note(image, ownerOf(pod, owners), this.#appOf(pod))
    }
  }

  /** Events of pods that may be gone: all that is left of them is the namespace. */
  hear(events: readonly KubeObject[]): void {
    for (const { message = '', involvedObject } of events as readonly PodEvent[]) {
      const image = /^Pulling image "([^"]{1,512})"/.exec(message)?.[1]
      const name = image === undefined ? undefined : fullNameOf(image)
      if (name === undefined || involvedObject?.kind !== 'Pod' || this.#found.has(name)) continue
      this.#note(image ?? '', `a pod of ${printable(involvedObject.namespace ?? 'default')}`, undefined)
    }
  }

  of(reference: string): AskedBy {
    const { apps = [], who = [] } = this.#found.get(reference) ?? {}
    return { apps: [...apps].sort(), who: [...who].sort() }
  }

  #note(image: string, who: string, app: string | undefined): void {
    const name = fullNameOf(image)
    if (name === undefined) return
    const known = this.#found.get(name) ?? { apps: new Set<string>(), who: new Set<string>() }
    this.#found.set(name, known)
    known.who.add(who)
    if (app !== undefined) known.apps.add(app)
  }

  /** A chart's release has the name of its app; where the image launches one app alone, it is that one. */
  #appOf({ metadata }: KubeObject): string | undefined {
    const { apps, launch, cmds } = this.#launched
    const instance = metadata?.labels?.['app.kubernetes.io/instance']
    if (apps.some(({ name }) => name === instance)) return instance
    const system = metadata?.namespace === 'kube-system'
    return launch.length === 1 && cmds.length === 0 && !system ? launch[0] : undefined
  }
}

/** The images that a pod names, those of volumes included. */
function imagesOf({ spec = {} }: KubeObject): readonly string[] {
  const containers = ['initContainers', 'containers', 'ephemeralContainers'].flatMap(
    (list) => (spec[list] ?? []) as readonly Container[],
  )
  const volumes = (spec.volumes ?? []) as readonly { readonly image?: { readonly reference?: unknown } }[]
  return [...containers.map(({ image }) => image), ...volumes.map(({ image }) => image?.reference)].filter(
    (image): image is string => typeof image === 'string',
  )
}

/** What stands at the end of the chain of controllers. */
function ownerOf(pod: KubeObject, owners: ReadonlyMap<string, Owned>): string {
  let { kind = 'Pod' } = pod
  let object: Owned | undefined = pod
  let name = pod.metadata?.name ?? ''
  const namespace = pod.metadata?.namespace ?? 'default'
  for (let depth = 0; depth < 5; depth += 1) {
    const { ownerReferences = [], generateName } = object?.metadata ?? {}
    const owner: { kind: string; name: string } | undefined = ownerReferences.find(
      ({ controller }) => controller === true,
    )
    if (owner === undefined) {
      if (generateName !== undefined) name = `${generateName}*`
      break
    }
    kind = owner.kind
    name = owner.name
    object = owners.get(`${kind}/${namespace}/${name}`)
  }
  return printable(`${kind} ${namespace}/${name}`)
}

const keyOf = (kind: string | undefined, { metadata }: KubeObject): string =>
  `${kind}/${metadata?.namespace ?? 'default'}/${metadata?.name}`

/** As a registry is asked: where there is a digest, the tag is not looked at. Undefined for what is no name. */
function fullNameOf(image: string): string | undefined {
  try {
    const { registry, repository, tag, digest } = parseReference(image)
    return fullName({ registry, repository, ...(digest === undefined ? { tag: tag ?? 'latest' } : { digest }) })
  } catch (error) {
    if (SealerError.is(error)) return undefined
    throw error
  }
}

/** It comes from whoever may write to the cluster, and stands in the image. */
const printable = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 300)

import { dirname } from 'node:path'
import type { HostView, KnownHost, RuntimeContext } from '@sealer/core'
import { errors } from './errors.ts'

/** What all steps of one cluster share. */
export interface Site {
  readonly context: RuntimeContext
  readonly cluster: string
  readonly masters: readonly KnownHost[]
  /** Hosts that are no control planes. */
  readonly nodes: readonly KnownHost[]
  /** As above, with members that do not answer now: what hosts are told of the cluster does not change because one of them is down. */
  readonly all: { readonly masters: readonly HostView[]; readonly nodes: readonly HostView[] }
  /** The master that a new cluster begins on. Afterwards it is one like the others. */
  readonly first: KnownHost
  /** What belongs to this cluster on every host, e.g. `/var/lib/sealer/clusters/lab`. */
  readonly folder: string
  /** Programs of the image on every host. */
  readonly bin: string
}

/** @throws NO_MASTER */
export function siteOf(context: RuntimeContext): Site {
  const masters = context.hosts.filter(isMaster)
  const [first] = masters
  const members = context.members ?? context.hosts.map(({ view }) => view)
  const control = ({ roles }: HostView) => roles.includes('master')
  const cluster = context.wanted.cluster
  if (first === undefined) throw errors.NO_MASTER({ cluster })
  return {
    context,
    cluster,
    masters,
    nodes: context.hosts.filter((host) => !isMaster(host)),
    all: { masters: members.filter(control), nodes: members.filter((view) => !control(view)) },
    first,
    folder: dirname(context.rootfs),
    bin: `${context.rootfs}/bin`,
  }
}

export const isMaster = ({ view }: Pick<KnownHost, 'view'>): boolean => view.roles.includes('master')

/** Whether pods of apps may run there: on every node, on a master that is a node too, and on all masters where there is no node. */
export const takesWorkloads = (host: KnownHost, site: Site): boolean =>
  !isMaster(host) || host.view.roles.includes('node') || site.all.nodes.length === 0

/** How many members do not answer now: pods on their nodes are not waited for. */
export const silentNodes = ({ all, context }: Site): number =>
  all.masters.length + all.nodes.length - context.hosts.length

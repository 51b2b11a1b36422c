import type { SshAccess } from '../hosts/host.ts'
import type { Wish, WishedHost } from '../wish.ts'
import { parseHostRanges } from './host-ranges.ts'
import type { ClusterDocument, EnvDocument, FirstClusterDocument, SshDocument } from './schema.ts'

/** What reading a document also has to say. */
export type Warn = (message: string) => void

/** `Cluster` as a wish. @throws errors of host ranges */
export function wishOfCluster({ metadata, spec }: ClusterDocument, warn: Warn): Wish {
  const hosts = (spec.hosts ?? []).flatMap(({ ips = [], roles, ssh, env, labels, taints }, index) => {
    if (env !== undefined)
      warn(`spec.hosts[${index}].env has no effect yet: it is for scripts on hosts, and none are run.`)
    const common = {
      roles,
      ...(ssh === undefined ? {} : { ssh: accessOf(ssh, `spec.hosts[${index}].ssh`, warn) }),
      ...(env === undefined ? {} : { env: envOf(env, `spec.hosts[${index}].env`, warn) }),
      ...(labels === undefined ? {} : { labels }),
      ...(taints === undefined ? {} : { taints }),
    }
    return ips.flatMap((list) => parseHostRanges(list)).map((address): WishedHost => ({ address, ...common }))
  })
  const counted = (spec.hosts ?? []).filter((host) => host.count !== undefined)
  const countOf = (groups: typeof counted) => groups.reduce((sum, { count = 0 }) => sum + count, 0)
  const { port } = spec.registry?.localRegistry ?? {}
  const registry = {
    ...(spec.registry?.fallback === undefined ? {} : { fallback: spec.registry.fallback }),
    ...(port === undefined ? {} : { port }),
  }
  return {
    cluster: metadata.name,
    ...(spec.image === undefined ? {} : { image: spec.image }),
    ...(spec.runtime === undefined
      ? {}
      : { runtime: runtimeName(spec.runtime.name), runtimeOptions: spec.runtime.options ?? {} }),
    ...(spec.infra === undefined ? {} : { infra: spec.infra.name, infraOptions: spec.infra.options ?? {} }),
    ...(spec.ssh === undefined ? {} : { ssh: accessOf(spec.ssh, 'spec.ssh', warn) }),
    ...(hosts.length === 0 ? {} : { hosts }),
    ...(counted.length === 0
      ? {}
      : {
          counts: {
            masters: countOf(counted.filter(({ roles }) => roles.includes('master'))),
            nodes: countOf(counted.filter(({ roles }) => !roles.includes('master'))),
          },
        }),
    ...(spec.env === undefined ? {} : { env: envOf(spec.env, 'spec.env', warn) }),
    ...(spec.appNames === undefined ? {} : { apps: spec.appNames.filter((name) => name !== '') }),
    ...(spec.cmd === undefined ? {} : { cmds: spec.cmd }),
    ...(spec.hostAliases === undefined ? {} : { hostAliases: spec.hostAliases }),
    ...(Object.keys(registry).length === 0 ? {} : { registry }),
    ...(spec.plugins === undefined
      ? {}
      : { plugins: spec.plugins.map(({ name, options }) => (options === undefined ? { name } : { name, options })) }),
  }
}

/** `Cluster` of the oldest form as a wish. @throws errors of host ranges */
export function wishOfFirstCluster({ metadata, spec }: FirstClusterDocument, warn: Warn): Wish {
  const groups = { masters: spec.masters ?? {}, nodes: spec.nodes ?? {} }
  const given = (ipList: readonly string[] | undefined, role: string): WishedHost[] =>
    (ipList ?? []).flatMap((list) => parseHostRanges(list)).map((address) => ({ address, roles: [role] }))
  const hosts = [...given(groups.masters.ipList, 'master'), ...given(groups.nodes.ipList, 'node')]
  const counts = { masters: groups.masters.count ?? 0, nodes: groups.nodes.count ?? 0 }
  const machines = Object.entries(groups).map(
    ([role, { ipList: _, count: __, ...machine }]) => [role, machine] as const,
  )
  const described = machines.filter(([, machine]) => Object.keys(machine).length > 0)
  const infra = infraOf(spec.provider ?? '', hosts.length > 0)
  return {
    cluster: metadata.name,
    ...(infra === undefined ? {} : { infra }),
    ...(spec.image === undefined ? {} : { image: spec.image }),
    ...(spec.ssh === undefined ? {} : { ssh: accessOf(spec.ssh, 'spec.ssh', warn) }),
    ...(spec.env === undefined ? {} : { env: envOf(spec.env, 'spec.env', warn) }),
    ...(hosts.length === 0 ? {} : { hosts }),
    ...(hosts.length > 0 || counts.masters + counts.nodes === 0 ? {} : { counts }),
    ...(hosts.length > 0 || described.length === 0 ? {} : { infraOptions: Object.fromEntries(described) }),
  }
}

/** The provider of the oldest form by today's name of the infrastructure: containers of this machine have become hosts of it. */
export function infraOf(provider: string, hostsAreGiven: boolean): string | undefined {
  if (provider === '') return hostsAreGiven ? 'baremetal' : undefined
  return provider === 'CONTAINER' ? 'local' : provider.replaceAll('_', '').toLowerCase()
}

/** Runtimes that users know by a short name, too. */
export const runtimeName = (name: string): string => (name === 'k8s' ? 'kubernetes' : name)

function accessOf(ssh: SshDocument, path: string, warn: Warn): Partial<SshAccess> {
  for (const field of ['passwd', 'pkPasswd'] as const) {
    if (ssh[field] !== undefined)
      warn(
        `${path}.${field} is a password in plain text; ${field}From: env:NAME, file:PATH or prompt keeps it out of the file.`,
      )
  }
  const password = ssh.passwdFrom ?? literal(ssh.passwd)
  const passphrase = ssh.pkPasswdFrom ?? literal(ssh.pkPasswd)
  return {
    ...(ssh.user === undefined ? {} : { user: ssh.user }),
    ...(ssh.port === undefined ? {} : { port: ssh.port }),
    ...(ssh.pk === undefined ? {} : { privateKey: ssh.pk }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(password === undefined ? {} : { password }),
    ...(ssh.sudoPasswdFrom === undefined ? {} : { sudoPassword: ssh.sudoPasswdFrom }),
  }
}

const literal = (secret: string | undefined): string | undefined =>
  secret === undefined || secret === '' ? undefined : `value:${secret}`

/** The last of a name wins; what is no assignment is told and left out. */
function envOf(env: EnvDocument, path: string, warn: Warn): Record<string, string> {
  if (!Array.isArray(env)) return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value ?? '']))
  const pairs = env.flatMap((entry): [string, string][] => {
    const at = entry.indexOf('=')
    if (at > 0) return [[entry.slice(0, at), entry.slice(at + 1)]]
    warn(`${path}: "${entry}" is not NAME=value and is left out.`)
    return []
  })
  return Object.fromEntries(pairs)
}

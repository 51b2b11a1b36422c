import type { Wish, WishedHost } from '@sealer/core'
import { mergeWishes, parseHostRanges } from '@sealer/core'
import { type CliContext, warn } from '../context.ts'
import { errors } from '../errors.ts'
import type { ClusterFlags } from '../flags/cluster.ts'
import { capabilitiesOf } from '../plugins.ts'
import { clusterfileWish } from './clusterfile.ts'

/** Infrastructures of the original by today's names. */
const providers: Readonly<Record<string, string>> = {
  BAREMETAL: 'baremetal',
  ALI_CLOUD: 'alicloud',
  CONTAINER: 'local',
}

/** What is wanted: the command line over the Clusterfile. @throws HOSTS_NOT_CHOSEN, IMAGE_NOT_CHOSEN, COUNT_NEEDS_INFRA … */
export async function wishOf(context: CliContext, image: string | undefined, flags: ClusterFlags): Promise<Wish> {
  const file = flags.file === undefined ? {} : await clusterfileWish(context, flags.file)
  const wish = mergeWishes(typed(context, image, flags, file.counts), file)
  if (wish.image === undefined) throw errors.IMAGE_NOT_CHOSEN()
  await checkHosts(context, { ...wish, image: wish.image }, flags)
  return { cluster: 'my-cluster', ...wish }
}

function typed(
  context: CliContext,
  image: string | undefined,
  flags: ClusterFlags,
  countsOfFile: Wish['counts'],
): Wish {
  const masters = hostsOrCount(flags.masters)
  const nodes = hostsOrCount(flags.nodes)
  if (typeof masters !== typeof nodes && masters !== undefined && nodes !== undefined) throw errors.HOSTS_MIXED()
  const hosts = [...hostsOf(masters, 'master'), ...hostsOf(nodes, 'node')]
  const counted = typeof masters === 'number' || typeof nodes === 'number'
  const infra =
    flags.infra ?? (flags.provider === undefined ? undefined : (providers[flags.provider] ?? flags.provider))
  const cmds = [...flags.cmds, ...flags.cmd]
  return defined({
    image,
    cluster: flags.name,
    infra,
    runtime: flags.runtime === 'k8s' ? 'kubernetes' : flags.runtime,
    ssh: sshOf(context, flags),
    hosts: hosts.length === 0 ? undefined : hosts,
    counts: counted
      ? {
          masters: typeof masters === 'number' ? masters : (countsOfFile?.masters ?? 0),
          nodes: typeof nodes === 'number' ? nodes : (countsOfFile?.nodes ?? 0),
        }
      : undefined,
    env: Object.keys(flags.env).length === 0 ? undefined : flags.env,
    apps: flags.apps,
    cmds: cmds.length === 0 ? undefined : cmds,
    timeoutSeconds: flags.timeout,
  })
}

const hostsOrCount = (text: string | undefined): number | string[] | undefined => {
  if (text === undefined) return undefined
  return /^\s*\d+\s*$/.test(text) ? Number(text) : parseHostRanges(text)
}

const hostsOf = (value: number | string[] | undefined, role: string): WishedHost[] =>
  Array.isArray(value) ? value.map((address) => ({ address, roles: [role] })) : []

function sshOf(context: CliContext, flags: ClusterFlags): Wish['ssh'] {
  const visible = Object.entries({ '--passwd': flags.passwd, '--pk-passwd': flags.pkPasswd }).filter(
    ([, text]) => text !== undefined,
  )
  for (const [option] of visible) {
    warn(
      context,
      `${option} can be read by others on this machine (ps, shell history); ${option}-from env:NAME, file:PATH or prompt is the safe way.`,
    )
  }
  const ssh = defined({
    user: flags.user,
    port: flags.port,
    privateKey: flags.pk,
    passphrase: flags.pkPasswdFrom ?? literal(flags.pkPasswd),
    password: flags.passwdFrom ?? literal(flags.passwd),
    sudoPassword: flags.sudoPasswdFrom,
  })
  return Object.keys(ssh).length === 0 ? undefined : ssh
}

const literal = (text: string | undefined): string | undefined => (text === undefined ? undefined : `value:${text}`)

/** Refuses early, with the choices, what no infrastructure could answer. */
async function checkHosts(
  context: CliContext,
  wish: Wish & { readonly image: string },
  flags: ClusterFlags,
): Promise<void> {
  const infra = wish.infra ?? 'baremetal'
  const maker = (await capabilitiesOf(context.home, infra)).includes('makes-hosts')
  const counted = wish.counts !== undefined && wish.counts.masters + wish.counts.nodes > 0
  const given = wish.hosts !== undefined && wish.hosts.length > 0
  if (!counted && !given) throw errors.HOSTS_NOT_CHOSEN({ image: wish.image })
  if (counted && given) throw errors.HOSTS_MIXED()
  if (counted && !maker) {
    const flag =
      flags.masters === undefined && flags.nodes === undefined
        ? 'the count in the Clusterfile'
        : flags.masters === undefined
          ? `--nodes ${flags.nodes}`
          : `--masters ${flags.masters}`
    throw errors.COUNT_NEEDS_INFRA({ flag, infra })
  }
}

/** Without the members that are undefined: in a wish, what is not there is left to the weaker source. */
function defined<Members extends object>(
  members: Members,
): { [Name in keyof Members]: Exclude<Members[Name], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Members]: Exclude<Members[Name], undefined>
  }
}

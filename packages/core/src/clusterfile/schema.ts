import { z } from 'zod'

/** What this issue's message says is turned into CLUSTERFILE_FIELD_NOT_SUPPORTED. */
export const notSupportedYet = 'not supported yet'

/** A field of the original that means something we cannot do yet: refused by name, never ignored. */
const later = (reason = '') =>
  z.custom<undefined>((value) => value === undefined, { error: `${notSupportedYet}${reason}` }).optional()
/** A field that may say what is the case anyway. */
const only = <Value extends string | boolean>(value: Value, reason: string) =>
  z.literal(value, { error: `${notSupportedYet}${reason}` }).optional()

/** What is to be written, or that nothing is. */
const write = (what: string) => ({
  error: (issue: { readonly input?: unknown }) => (issue.input === undefined ? 'it is missing' : what),
})

const text = z.string(write('write a text'))
const texts = z.array(text, write('write a list of texts'))
const options = z.record(z.string(), z.unknown(), { error: 'write a map of options' })
/** `[NAME=value]` or a map. */
const env = z.union([texts, z.record(z.string(), z.union([text, z.null()]))], {
  error: 'write a list of NAME=value, or a map',
})
/** The original wrote numbers as texts. */
const number = (least: number, most: number) =>
  z
    .union([z.number(), z.string().regex(/^\d+$/)], { error: 'write a number' })
    .transform(Number)
    .pipe(
      z
        .int({ error: 'write a whole number' })
        .min(least, { error: `the least is ${least}` })
        .max(most, { error: `the most is ${most}` }),
    )
const reference = z.string().regex(/^(env:.+|file:.+|prompt(:.*)?)$/, { error: 'write env:NAME, file:PATH or prompt' })

const ssh = z.strictObject({
  user: text.optional(),
  port: number(1, 65_535).optional(),
  pk: text.optional(),
  pkPasswd: text.optional(),
  pkPasswdFrom: reference.optional(),
  passwd: text.optional(),
  passwdFrom: reference.optional(),
  sudoPasswdFrom: reference.optional(),
  encrypted: only(false, ': the key that it was encrypted with is public, so it protects nothing; write passwdFrom'),
})

/** `key=value:Effect` and `key:Effect` set it, with `-` at the end take it away; `key-` takes all of that key away. */
const taint = z.string().regex(/^[A-Za-z0-9][\w./-]*((=[\w.-]*)?:(NoSchedule|PreferNoSchedule|NoExecute)-?|-)$/, {
  error:
    'write key=value:Effect or key:Effect, with the effect NoSchedule, PreferNoSchedule or NoExecute, or - at the end to take it away',
})

const host = z
  .strictObject({
    ips: texts.optional(),
    count: number(0, 1000).optional(),
    roles: texts.refine((roles) => roles.includes('master') || roles.includes('node'), {
      error: 'one of them must be master or node',
    }),
    ssh: ssh.optional(),
    env: env.optional(),
    labels: z.record(z.string(), text, { error: 'write a map of texts' }).optional(),
    taints: z.array(taint).optional(),
  })
  .refine(({ ips, count }) => (ips === undefined) !== (count === undefined), {
    error: 'write either ips (hosts that are given) or count (hosts that the infrastructure makes)',
  })

const registry = z.strictObject({
  fallback: z.enum(['upstream', 'never'], { error: 'write upstream or never' }).optional(),
  localRegistry: z
    .strictObject({
      domain: only('sea.hub', ' with another name than sea.hub: images keep their own names'),
      port: number(1, 65_535).optional(),
      ha: only(true, ': it runs on every master'),
      insecure: only(false, ': it is always served by TLS'),
      username: later(': hosts show a certificate'),
      password: later(': hosts show a certificate'),
      cert: later(),
    })
    .optional(),
  externalRegistry: later(),
})

const chosen = z.strictObject({ name: text, options: options.optional() })
const metadata = z.strictObject({
  name: text.regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, {
    error: 'write small letters, digits and dashes: it becomes a part of paths and names',
  }),
  labels: z.record(z.string(), z.unknown()).optional(),
  annotations: z
    .record(z.string(), z.unknown())
    .refine((all) => !Object.keys(all).some((key) => key.startsWith('sea.aliyun.com/')), {
      error: `${notSupportedYet} with sea.aliyun.com/…, the cloud resources of a cluster that the original made`,
    })
    .optional(),
  creationTimestamp: z.unknown().optional(),
})

/** `Cluster` with hosts: today's form. */
export const clusterSchema = z.strictObject({
  apiVersion: text,
  kind: text,
  metadata,
  spec: z.strictObject({
    image: text.optional(),
    env: env.optional(),
    cmd: texts.optional(),
    cmd_args: later(),
    appNames: texts.optional(),
    hosts: z.array(host, { error: 'write a list of hosts' }).optional(),
    ssh: ssh.optional(),
    hostAliases: z
      .array(z.strictObject({ ip: z.union([z.ipv4(), z.ipv6()], { error: 'write an IP address' }), hostnames: texts }))
      .optional(),
    registry: registry.optional(),
    containerRuntime: z.strictObject({ type: only('containerd', ': it is containerd') }).optional(),
    dataRoot: later(': hosts keep everything in /var/lib/sealer'),
    runtime: chosen.optional(),
    infra: chosen.optional(),
    plugins: z.array(chosen).optional(),
  }),
  status: z.unknown().optional(),
})

const group = z.strictObject({
  ipList: texts.optional(),
  count: number(0, 1000).optional(),
  cpu: number(1, 1024).optional(),
  memory: number(1, 65_536).optional(),
  systemDisk: number(1, 1_048_576).optional(),
  dataDisks: z.array(number(1, 1_048_576)).optional(),
})

/** `Cluster` with masters and nodes: the oldest form. */
export const firstClusterSchema = z.strictObject({
  apiVersion: text,
  kind: text,
  metadata,
  spec: z.strictObject({
    image: text.optional(),
    env: env.optional(),
    ssh: ssh.optional(),
    provider: z
      .enum(['BAREMETAL', 'ALI_CLOUD', 'CONTAINER', ''], { error: 'write BAREMETAL, ALI_CLOUD or CONTAINER' })
      .optional(),
    masters: group.optional(),
    nodes: group.optional(),
    network: later(': give it to the runtime as its own document'),
    certSANS: later(': give it to the runtime as its own document'),
  }),
  status: z.unknown().optional(),
})

export type ClusterDocument = z.infer<typeof clusterSchema>
export type FirstClusterDocument = z.infer<typeof firstClusterSchema>
export type SshDocument = z.infer<typeof ssh>
export type EnvDocument = z.infer<typeof env>

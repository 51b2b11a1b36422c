/** What one entry of a catalogue says. `message` tells what happened and why, `hint` what to try. */
export interface ErrorEntry<Details> {
  readonly message: (details: Details) => string
  readonly hint: (details: Details) => string
}

/** Options of a thrown error: what caused it, and further problems found at the same time. */
export interface ErrorContext {
  readonly cause?: unknown
  /** Problems collected by a check, each an error of its own. */
  readonly problems?: readonly Error[]
}

/**
 * An error that a user can act on. A bug is a plain `Error`. Two installed copies of core make two classes:
 * use `SealerError.is`, which goes by name.
 */
export class SealerError extends Error {
  override readonly name = 'SealerError'
  /** What happened, e.g. `HOST_UNREACHABLE`. Never changes once published. */
  readonly code: string
  /** What to try. */
  readonly hint: string
  /** The package whose catalogue holds the code, e.g. `core`. */
  readonly source: string
  readonly problems: readonly Error[]

  constructor(source: string, code: string, message: string, hint: string, context: ErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause })
    this.source = source
    this.code = code
    this.hint = hint
    this.problems = context.problems ?? []
  }

  static is(error: unknown): error is SealerError {
    return error instanceof Error && error.name === 'SealerError' && 'code' in error && 'hint' in error
  }
}

type Catalogue = Readonly<Record<string, ErrorEntry<never>>>
/** One function per code; wrong details do not compile. */
export type ErrorMakers<All> = {
  readonly [Code in keyof All]: unknown extends All[Code]
    ? (details?: Record<string, never>, context?: ErrorContext) => SealerError
    : (details: All[Code], context?: ErrorContext) => SealerError
}

const catalogues = Symbol.for('@sealer/core:error-catalogues')

/** A package's errors: `defineErrors('runtime-k8s', { CODE: { message, hint } })`. Throw with `throw errors.CODE(details, { cause })`. */
export function defineErrors<All>(
  source: string,
  entries: { readonly [Code in keyof All]: ErrorEntry<All[Code]> },
): ErrorMakers<All> {
  const makers = Object.entries<ErrorEntry<never>>(entries).map(([code, entry]) => [
    code,
    (details: never, context?: ErrorContext) =>
      new SealerError(source, code, entry.message(details), entry.hint(details), context),
  ])
  return Object.freeze({ ...Object.fromEntries(makers), [catalogues]: { source, entries } })
}

/** The catalogue behind the makers, for the generated page of errors. */
export function catalogueOf(makers: object): { source: string; entries: Catalogue } {
  return (makers as { [catalogues]: { source: string; entries: Catalogue } })[catalogues]
}

/** Errors of core. */
export const errors = defineErrors('core', {
  RUNTIME_NOT_FOUND: {
    message: (d: { runtime: string }) => `No plugin offers the runtime "${d.runtime}".`,
    hint: () => 'See what is installed with: sealer plugin list',
  },
  INFRA_NOT_FOUND: {
    message: (d: { infra: string }) => `No plugin offers the infrastructure "${d.infra}".`,
    hint: () => 'See what is installed with: sealer plugin list',
  },
  PLUGIN_FAILED: {
    message: (d: { plugin: string; hook: string; reason: string }) => `${d.plugin} failed in ${d.hook}: ${d.reason}`,
    hint: (d: { plugin: string }) => `Report this to the authors of ${d.plugin}, or run without the plugin.`,
  },
  PLUGIN_INVALID: {
    message: (d: { plugin: string; reason: string }) => `The plugin ${d.plugin} cannot be used: ${d.reason}`,
    hint: () => 'Install a version of the plugin that fits this sealer: sealer plugin install <package or tarball>',
  },
  CHECKS_FAILED: {
    message: (d: { count: number }) => `${d.count} ${d.count === 1 ? 'check' : 'checks'} failed; nothing was changed.`,
    hint: () => 'Each problem below names its remedy. Run the same command again afterwards.',
  },
  CHECK_FAILED: {
    message: (d: { id: string; host: string | undefined; message: string; remedy: string | undefined }) =>
      `${d.host === undefined ? '' : `${d.host}: `}${d.message} (${d.id})`,
    hint: (d: { remedy: string | undefined }) => d.remedy ?? 'See docs/reference/checks.md.',
  },
  HOSTS_MISSING: {
    message: () => 'No hosts are named.',
    hint: () =>
      'Given hosts: --masters ADDRESS [--nodes ADDRESSES]. Hosts on this machine: --infra local --masters 1. Or a Clusterfile: sealer apply -f Clusterfile.',
  },
  NAME_INVALID: {
    message: (d: { what: string; name: string }) => `"${d.name.slice(0, 80)}" cannot be the name of a ${d.what}.`,
    hint: () =>
      'Use lower-case letters, digits and "-", at most 63 characters, beginning and ending with a letter or digit.',
  },
  HOSTS_FAILED: {
    message: (d: { failed: number; of: number }) => `${d.failed} of ${d.of} hosts failed.`,
    hint: () => 'Each host below says why.',
  },
  HOST_UNREACHABLE: {
    message: (d: { host: string; address: string; reason: string }) =>
      `Cannot reach ${d.host} (${d.address}) over SSH: ${d.reason}.`,
    hint: () => 'Check the address, the port and that the host runs sshd; see "ssh" in the Clusterfile.',
  },
  HOST_AUTH_FAILED: {
    message: (d: { host: string; user: string; tried: string }) =>
      `${d.host} refuses the login of ${d.user} (tried: ${d.tried}).`,
    hint: () => 'Check user, key and password: --user, --pk, --passwd-from, or "ssh" in the Clusterfile.',
  },
  HOST_KEY_CHANGED: {
    message: (d: { host: string; known: string; offered: string; place: string; file: string }) =>
      `The host key of ${d.host} has changed: known is ${d.known}, offered is ${d.offered}. Somebody may be in between.`,
    hint: (d: { place: string; file: string }) =>
      `If the host was reinstalled, forget its old key: ssh-keygen -R '${d.place}' -f ${d.file}`,
  },
  HOST_KEY_UNKNOWN: {
    message: (d: { host: string; offered: string }) =>
      `The host key of ${d.host} is not known (offered: ${d.offered}).`,
    hint: () =>
      'Compare the fingerprint with the host and pass --accept-new-host-keys, or add it to ~/.ssh/known_hosts.',
  },
  HOST_KEY_REVOKED: {
    message: (d: { host: string; offered: string }) => `The host key of ${d.host} is revoked (offered: ${d.offered}).`,
    hint: () => 'A line "@revoked" of known_hosts forbids this key. The host needs a new one.',
  },
  COMMAND_FAILED: {
    message: (d: { host: string; command: string; exitCode: number | undefined; output: string }) =>
      `${d.host}: "${d.command}" ended with ${d.exitCode === undefined ? 'no exit code' : `exit code ${d.exitCode}`}${d.output === '' ? '.' : `:\n${d.output}`}`,
    hint: () => 'The last lines above are what the command said.',
  },
  SUDO_FAILED: {
    message: (d: { host: string; user: string; reason: string }) =>
      `${d.user} cannot become root on ${d.host}: ${d.reason}`,
    hint: () => 'Allow the user to sudo, or give the password by --sudo-passwd-from (default: the login password).',
  },
  PORT_UNREACHABLE: {
    message: (d: { host: string; port: number; reason: string }) =>
      `Cannot connect to port ${d.port} on ${d.host}: ${d.reason}.`,
    hint: () => 'See whether the service runs there, and that sshd allows forwarding (AllowTcpForwarding).',
  },
  KEY_UNREADABLE: {
    message: (d: { path: string; reason: string }) => `The private key ${d.path} cannot be used: ${d.reason}.`,
    hint: () =>
      'Give a private key in OpenSSH or PEM form by --pk, and the passphrase of an encrypted one by --pk-passwd-from.',
  },
  SSH_CONFIG_UNUSABLE: {
    message: (d: { host: string; reason: string }) =>
      `What ~/.ssh/config says of ${d.host} cannot be used: ${d.reason}.`,
    hint: () => 'Change the entry, or write "ProxyCommand none" or "ProxyJump none" for this host.',
  },
  FACTS_UNREADABLE: {
    message: (d: { host: string; fact: string }) =>
      `${d.host} does not tell its facts: "${d.fact}" is missing in the answer.`,
    hint: () => 'The host needs a POSIX sh, coreutils and a mounted /proc.',
  },
  STEP_FAILED: {
    message: (d: { step: string; host: string | undefined; reason: string }) =>
      `The step "${d.step}"${d.host === undefined ? '' : ` on ${d.host}`} failed: ${d.reason}`,
    hint: () => 'Finished steps stay. Mend the cause and run the same command again: it goes on from there.',
  },
  PLAN_INVALID: {
    message: (d: { reason: string }) => `The plan does not hold together: ${d.reason}`,
    hint: () => 'This is a defect of a plugin that made or refined the steps.',
  },
  RUN_ABORTED: {
    message: (d: { done: number; of: number }) => `Stopped on request; ${d.done} of ${d.of} steps are done and stay.`,
    hint: () => 'Run the same command again to go on, or sealer delete to take everything back.',
  },
  CLUSTER_BUSY: {
    message: (d: { cluster: string; owner: string; since: string }) =>
      `The cluster ${d.cluster} is being changed by ${d.owner} since ${d.since}.`,
    hint: () => 'Wait for that run to end. If it has died, its claim ends by itself after some minutes.',
  },
  CLUSTER_NOT_FOUND: {
    message: (d: { cluster: string; known: string }) =>
      `There is no cluster named "${d.cluster}". Known here: ${d.known === '' ? 'none' : d.known}.`,
    hint: () => 'See them with: sealer ps',
  },
  SECRET_UNREADABLE: {
    message: (d: { reference: string; reason: string }) => `The secret ${d.reference} cannot be read: ${d.reason}`,
    hint: () => 'Write a reference as env:NAME, file:PATH or prompt.',
  },
  IMAGE_HAS_NO_LAUNCHER: {
    message: (d: { runtime: string }) =>
      `The image has apps to launch, but the runtime "${d.runtime}" cannot launch any.`,
    hint: () => 'Use an image without LAUNCH and CMD, or another runtime.',
  },
  APP_NOT_FOUND: {
    message: (d: { app: string; known: string }) =>
      `The image has no app named "${d.app}". It has: ${d.known === '' ? 'none' : d.known}.`,
    hint: () => 'Separate names by commas; see the apps of an image with: sealer inspect IMAGE',
  },
  NOT_READY: {
    message: (d: { what: string; seconds: number; details: string }) =>
      `${d.what} is not ready after ${d.seconds} s:\n${d.details}`,
    hint: () => 'Look closer with: sealer kubectl describe pods -A. A longer wait: --timeout.',
  },
})

import { defineErrors } from '@sealer/core'

/** Errors of local hosts. */
export const errors = defineErrors('infra-local', {
  LOCAL_MACHINE_UNFIT: {
    message: (d: { lacks: readonly { what: string; remedy: string }[] }) =>
      `This machine cannot run local hosts:\n${d.lacks.map(({ what, remedy }) => `  ${what}\n    Try: ${remedy}`).join('\n')}`,
    hint: () => 'Mend all of these, then run the same command again; or give real hosts with --masters and --nodes.',
  },
  LOCAL_PROGRAM_FAILED: {
    message: (d: { program: string; how: string; output: string }) =>
      `${d.program} ${d.how}${d.output === '' ? '.' : `:\n${d.output}`}`,
    hint: () => 'The last lines above are what the program said.',
  },
  LOCAL_NAME_INVALID: {
    message: (d: { name: string; reason: string }) => `"${d.name}" cannot name local hosts: ${d.reason}.`,
    hint: () => 'A name has at most 40 small letters, digits and dashes, and starts with a letter.',
  },
  LOCAL_NAME_TAKEN: {
    message: (d: { cluster: string; home: string }) =>
      `The name "${d.cluster}" or its network is taken on this machine by local hosts of ${d.home}.`,
    hint: () => 'Take another name, or delete that cluster first (SEALER_HOME tells whose clusters a command sees).',
  },
  LOCAL_NOT_FOUND: {
    message: (d: { name: string; known: readonly string[] }) =>
      `There is no local cluster or host named "${d.name}". Known here: ${d.known.length === 0 ? 'none' : d.known.join(', ')}.`,
    hint: () => 'See them with: sealer local list',
  },
  LOCAL_OPTION_INVALID: {
    message: (d: { option: string; reason: string }) =>
      `The option "${d.option}" of infra "local" is wrong: ${d.reason}.`,
    hint: () => 'Options of "local": memoryDisks (true or false), diskBytes (a number of bytes).',
  },
  LOCAL_HOSTS_UNKNOWN: {
    message: (d: { address: string; cluster: string }) =>
      `${d.address} is not a local host of "${d.cluster}": infra "local" makes its hosts itself.`,
    hint: () => 'Say how many instead, e.g. --masters 1 --nodes 2, or use --infra baremetal for hosts that you have.',
  },
  LOCAL_NETWORKS_USED_UP: {
    message: () => 'All 250 networks for local clusters (198.18.1.0/24 to 198.18.250.0/24) are in use.',
    hint: () => 'Delete a local cluster: sealer local list, sealer local delete NAME',
  },
  LOCAL_HOST_FAILED: {
    message: (d: { host: string; reason: string; console: string }) =>
      `The local host ${d.host} does not come up: ${d.reason}.${d.console === '' ? '' : `\n${d.console}`}`,
    hint: (d) => `The lines above are its console. Try: sealer local reboot ${d.host}`,
  },
  LOCAL_HOST_DOWN: {
    message: (d: { host: string }) => `The local host ${d.host} is not running.`,
    hint: (d) => `Start it: sealer local start ${d.host}`,
  },
  LOCAL_BUSY: {
    message: (d: { what: string; seconds: number }) =>
      `Another sealer is changing ${d.what}; it did not end within ${d.seconds} s.`,
    hint: () => 'Wait for that command to end, then try again.',
  },
  LOCAL_PORT_TAKEN: {
    message: (d: { port: number; reason: string }) => `Port ${d.port} of this machine cannot be opened: ${d.reason}.`,
    hint: () => 'Choose another local port.',
  },
  LOCAL_INLET_FAILED: {
    message: (d: { address: string; reason: string }) => `Hosts cannot be led in at ${d.address}: ${d.reason}.`,
    hint: () => 'See whether the hosts of the cluster still run: sealer local list',
  },
  LOCAL_NO_SOURCES: {
    message: (d: { codename: string }) =>
      `Local hosts are built from this machine's own Debian or Ubuntu package sources, and none for "${d.codename}" were found in /etc/apt.`,
    hint: () => 'Add the sources of the distribution (component main) to /etc/apt, or use real hosts.',
  },
})

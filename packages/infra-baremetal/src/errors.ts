import { defineErrors } from '@sealer/core'

/** Errors of hosts that are given. */
export const errors = defineErrors('infra-baremetal', {
  BAREMETAL_HOSTS_NEEDED: {
    message: () => 'The infrastructure "baremetal" takes hosts by their addresses, and none are named.',
    hint: () =>
      'Name them: --masters 10.0.0.1 --nodes 10.0.0.2-10.0.0.4, or "hosts" in the Clusterfile. For hosts on this machine: --infra local --masters 1',
  },
  BAREMETAL_MASTER_NEEDED: {
    message: () => 'No host has the role "master".',
    hint: () => 'Name at least one: --masters 10.0.0.1, or roles: [master] in the Clusterfile.',
  },
  BAREMETAL_HOST_TWICE: {
    message: (d: { what: string; value: string }) => `Two hosts have the ${d.what} ${d.value}.`,
    hint: () => 'List each host once; one host may have several roles: roles: [master, node].',
  },
  BAREMETAL_OPTION_UNKNOWN: {
    message: (d: { option: string }) => `The infrastructure "baremetal" has no option "${d.option}".`,
    hint: () => 'It has none: remove it from infra.options.',
  },
})

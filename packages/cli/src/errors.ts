import { defineErrors } from '@sealer/core'

/** Errors of the command: what was asked for is wrong or declined, so nothing was tried. */
export const errors = defineErrors('cli', {
  HOSTS_NOT_CHOSEN: {
    message: (d: { image: string }) => `It is not said where ${d.image} is to run.`,
    hint: (d) =>
      [
        'choose one:',
        `on this machine, hosts made for it:  sealer run ${d.image} --infra local --masters 1`,
        `on hosts of yours, over SSH:         sealer run ${d.image} --masters 10.0.0.1 --nodes 10.0.0.2,10.0.0.3`,
        'as a file says:                      sealer run -f Clusterfile',
      ].join('\n'),
  },
  IMAGE_NOT_CHOSEN: {
    message: () => 'It is not said which cluster image is to run.',
    hint: () =>
      'Name it (sealer run dashboard:v1 …) or write it as spec.image in the Clusterfile. See what is here: sealer images',
  },
  COUNT_NEEDS_INFRA: {
    message: (d: { flag: string; infra: string }) =>
      `${d.flag} is a number of hosts, but the infrastructure "${d.infra}" makes none: its hosts are given.`,
    hint: () =>
      'Write addresses (--masters 10.0.0.1,10.0.0.2 or 10.0.0.1-10.0.0.3), or let sealer make the hosts: --infra local',
  },
  HOSTS_MIXED: {
    message: () => 'Numbers of hosts and addresses of hosts are mixed.',
    hint: () => 'Give addresses for all hosts, or a number for each of --masters and --nodes.',
  },
  OPTION_INVALID: {
    message: (d: { option: string; value: string; reason: string }) => `${d.option} "${d.value}": ${d.reason}.`,
    hint: () => 'See the options and examples with --help.',
  },
  FILE_UNREADABLE: {
    message: (d: { file: string; reason: string }) => `${d.file} cannot be read: ${d.reason}.`,
    hint: () => 'Check the path; relative ones count from the current folder.',
  },
  NOBODY_TO_ASK: {
    message: (d: { question: string }) => `There is a question, and no terminal to ask it on: ${d.question}`,
    hint: () =>
      'Answer beforehand by an option (--yes, --passwd-from env:NAME, --password-stdin, --accept-new-host-keys), or use a terminal.',
  },
  DECLINED: {
    message: (d: { what: string }) => `${d.what}: declined; nothing was changed.`,
    hint: () => 'Run the command again to be asked again.',
  },
  CLUSTER_NOT_CHOSEN: {
    message: (d: { known: string }) =>
      d.known === '' ? 'There is no cluster on record.' : `Several clusters are on record: ${d.known}.`,
    hint: (d) => (d.known === '' ? 'Make one with: sealer run' : 'Name the one that is meant.'),
  },
  KUBECONFIG_INVALID: {
    message: (d: { what: string }) => `${d.what} is no kubeconfig.`,
    hint: () => 'Name another file: sealer kubeconfig --merge FILE. The file was left as it is.',
  },
  NOT_SUPPORTED_YET: {
    message: (d: { what: string }) => `${d.what} is not supported yet.`,
    hint: () => 'See what this version does with: sealer --help',
  },
})

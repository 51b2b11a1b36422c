import { defineErrors } from '../errors.ts'

const tryList = (names: string) =>
  names === '' ? 'See the reference of the Clusterfile for what may stand there.' : `Known there: ${names}.`

/** Errors of reading Clusterfiles and merging wishes. `place` is `file:line:column`. */
export const clusterfileErrors = defineErrors('core', {
  CLUSTERFILE_INVALID: {
    message: (d: { file: string; count: number }) =>
      `${d.file} cannot be used as it stands: ${d.count} ${d.count === 1 ? 'problem' : 'problems'}. Nothing was changed.`,
    hint: () => 'Mend the places named and run the same command again.',
  },
  CLUSTERFILE_SYNTAX: {
    message: (d: { place: string; reason: string }) => `${d.place}: this is not YAML: ${d.reason}`,
    hint: () => 'Look at the indentation and the quotes there.',
  },
  CLUSTERFILE_FIELD_UNKNOWN: {
    message: (d: { place: string; field: string; within: string; nearest: string | undefined; known: string }) =>
      `${d.place}: unknown field "${d.field}" in ${d.within}.`,
    hint: (d) => (d.nearest === undefined ? tryList(d.known) : `Did you mean "${d.nearest}"?`),
  },
  CLUSTERFILE_FIELD_INVALID: {
    message: (d: { place: string; field: string; reason: string }) => `${d.place}: ${d.field}: ${d.reason}.`,
    hint: () => 'See the reference of the Clusterfile for what may stand there.',
  },
  CLUSTERFILE_FIELD_NOT_SUPPORTED: {
    message: (d: { place: string; field: string; reason: string }) =>
      `${d.place}: ${d.field} is not supported yet${d.reason}.`,
    hint: () => 'Take it out: it would be ignored, and the cluster would be another one than the file says.',
  },
  CLUSTERFILE_KIND_NOT_SUPPORTED: {
    message: (d: { place: string; kind: string }) => `${d.place}: documents of kind ${d.kind} are not supported yet.`,
    hint: () => 'Take it out: it would be ignored, and the cluster would be another one than the file says.',
  },
  CLUSTERFILE_KIND_UNKNOWN: {
    message: (d: { place: string; kind: string; apiVersion: string; nearest: string | undefined }) =>
      `${d.place}: no installed plugin claims documents of kind ${d.kind} (${d.apiVersion}).`,
    hint: (d) =>
      d.nearest === undefined
        ? 'Install the plugin that it belongs to, or take it out. What is installed: sealer plugin list'
        : `Did you mean "${d.nearest}"?`,
  },
  HOST_TWICE: {
    message: (d: { address: string }) => `The host ${d.address} is named twice.`,
    hint: () =>
      'Name each host once, in the Clusterfile or on the command line; options add hosts to those of the file.',
  },
})

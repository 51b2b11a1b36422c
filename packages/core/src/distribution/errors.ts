import { defineErrors } from '../errors.ts'

/** Errors of bringing an image to hosts. */
export const errors = defineErrors('core', {
  BLOBS_DAMAGED: {
    message: (d: { host: string; digests: string }) =>
      `Blobs are wrong on ${d.host}, also after they were sent again: ${d.digests}.`,
    hint: () => 'Check the disk and memory of the host, and the image here: sealer inspect verifies it.',
  },
  LAYER_FORMAT_UNSUPPORTED: {
    message: (d: { mediaType: string; digest: string }) =>
      `The layer ${d.digest} has the format ${d.mediaType}, which hosts cannot unpack yet.`,
    hint: () => 'Build the image with gzip layers.',
  },
  REGISTRY_PROGRAM_MISSING: {
    message: (d: { image: string }) => `${d.image} carries container images, but no bin/registry to serve them.`,
    hint: () => 'Build the image FROM a base image of sealer, which brings the registry.',
  },
  REGISTRY_NOT_SERVING: {
    message: (d: { host: string; missing: string }) =>
      `The registry of ${d.host} does not serve what it should: ${d.missing}.`,
    hint: (d: { host: string }) => `See its log on ${d.host}: journalctl -u sealer-registry.`,
  },
})

import { defineErrors } from '../errors.ts'

/** Errors of cluster images, their store, registries and archives. */
export const imageErrors = defineErrors('core', {
  ZSTD_MISSING: {
    message: () => 'A layer is compressed with zstd, which neither this Node.js nor a program on this machine knows.',
    hint: () => 'Install it: apt-get install zstd. Node.js 22.15 and newer bring it themselves.',
  },
  REFERENCE_INVALID: {
    message: (d: { reference: string; reason: string }) => `"${d.reference}" is not the name of an image: ${d.reason}.`,
    hint: () => 'A name looks like dashboard:v1, quay.io/team/app:1.2 or registry:5000/app@sha256:<64 hex digits>.',
  },
  IMAGE_NOT_FOUND: {
    message: (d: { reference: string }) => `There is no image "${d.reference}" in the store.`,
    hint: () => 'See what is there with: sealer images. Fetch an image with: sealer pull <name>',
  },
  IMAGE_AMBIGUOUS: {
    message: (d: { reference: string; matches: readonly string[] }) =>
      `"${d.reference}" begins the digest of several images: ${d.matches.join(', ')}.`,
    hint: () => 'Write more digits of the digest, or the name.',
  },
  IMAGE_INVALID: {
    message: (d: { image: string; reason: string }) => `${d.image} is damaged or not made by sealer: ${d.reason}.`,
    hint: () => 'Build, pull or load the image again. If it comes from a registry, another tool may have rewritten it.',
  },
  IMAGE_NOT_CLUSTER: {
    message: (d: { image: string; reason: string }) => `${d.image} is not a cluster image: ${d.reason}.`,
    hint: () =>
      'A cluster image is made by: sealer build. Copy it between registries with a tool that takes all platforms, e.g. skopeo copy --all.',
  },
  IMAGE_PLATFORM_MISSING: {
    message: (d: { image: string; platform: string; available: string }) =>
      `${d.image} does not hold ${d.platform}; it holds ${d.available === '' ? 'no platform' : d.available}.`,
    hint: (d: { platform: string }) =>
      `Take an image that is made for ${d.platform}, or fetch that platform too: sealer pull --platform ${d.platform}`,
  },
  IMAGE_INCOMPLETE: {
    message: (d: { image: string; missing: readonly string[] }) =>
      `${d.image} is not complete: ${d.missing.slice(0, 5).join(', ')}${d.missing.length > 5 ? ` and ${d.missing.length - 5} more` : ''} ${d.missing.length === 1 ? 'is' : 'are'} not in the store.`,
    hint: () => 'Pull or load the whole image (all platforms), or build it again.',
  },
  DELTA_BASE_MISSING: {
    message: (d: { archive: string; bases: string; missing: readonly string[] }) =>
      `${d.archive} holds only what is new since ${d.bases}, and the store lacks ${d.missing.length} ${d.missing.length === 1 ? 'blob' : 'blobs'} of that: ${d.missing.join(', ')}.`,
    hint: () => 'Pull or load the base first, with the same platforms, or save the image without --since.',
  },
  BLOB_CORRUPT: {
    message: (d: { digest: string; from: string; reason: string }) =>
      `${d.from} gave other bytes than ${d.digest} asks for: ${d.reason}.`,
    hint: () =>
      'Nothing of it was kept. Try again; if it stays, the source is damaged or something in between changes what it sends.',
  },
  STORE_BUSY: {
    message: (d: { path: string; owner: string }) => `${d.path} is held by ${d.owner}.`,
    hint: () => 'Wait until that one is done and run the command again.',
  },
  STORE_FULL: {
    message: () => 'The disk of the image store is full.',
    hint: () =>
      'Remove images that are not needed with sealer rmi, or let SEALER_HOME point to a larger disk, and run the command again.',
  },
  ARCHIVE_INVALID: {
    message: (d: { archive: string; reason: string }) =>
      `${d.archive} cannot be read as an image archive: ${d.reason}.`,
    hint: () => 'Make it again with sealer save, skopeo copy (oci-archive:, docker-archive:) or docker save.',
  },
})

import { defineErrors } from '../errors.ts'

/** Errors of merging cluster images. */
export const mergeErrors = defineErrors('core', {
  MERGE_TOO_FEW: {
    message: () => 'One image alone has nothing to be merged with.',
    hint: () => 'Name two images or more; for one more name of an image: sealer tag',
  },
  MERGE_NO_PLATFORM: {
    message: (d: { images: readonly string[] }) => `${d.images.join(' and ')} have no platform in common.`,
    hint: () => 'See the platforms with sealer images, and pull or build the missing ones.',
  },
  MERGE_CONFLICTS: {
    message: (d: { images: readonly string[]; count: number }) =>
      `${d.images.join(' and ')} do not go together: ${d.count} ${d.count === 1 ? 'conflict' : 'conflicts'}. Nothing was made.`,
    hint: () =>
      'Take what they contradict each other in out of one of them, or build one upon the other: FROM in its Kubefile.',
  },
  MERGE_CONFLICT: {
    message: (d: { platform: string; images: readonly [string, string]; what: string }) =>
      `${d.platform}: ${d.images[0]} and ${d.images[1]} ${d.what}.`,
    hint: () => 'Compare the two with: sealer diff',
  },
})

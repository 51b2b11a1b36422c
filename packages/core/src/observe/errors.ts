import { defineErrors } from '../errors.ts'

/** Errors of building while a cluster is observed. */
export const observeErrors = defineErrors('core', {
  OBSERVE_CLOSED: {
    message: (d: { image: string }) => `${d.image} is not in the image that is being built.`,
    hint: () => 'The second pass of an observed build serves nothing: what is asked for in it is missing.',
  },
  OBSERVE_NO_IMAGE: {
    message: (d: { image: string; reason: string }) =>
      `${d.image} was asked for, but it is no container image: ${d.reason}.`,
    hint: () => 'Only container images can be packed. Look at what asks for it, and give it another source.',
  },
  OBSERVE_TOO_MANY: {
    message: (d: { most: number }) => `The cluster asks for more than ${d.most} images.`,
    hint: () => 'Something in it makes up names. Look at its pods, and leave that app out of LAUNCH.',
  },
})

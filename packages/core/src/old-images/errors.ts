import { defineErrors } from '../errors.ts'

/** Errors of images that sealer 0.9 to 0.11 has made, and of older ones. */
export const oldImageErrors = defineErrors('core', {
  OLD_IMAGE_DAMAGED: {
    message: (d: { image: string; carried: string; digest: string; reason: 'missing' | 'altered' }) =>
      `${d.image} carries ${d.carried}, but its blob ${d.digest} ${d.reason === 'missing' ? 'is not in the image' : 'has other bytes in the image'}.`,
    hint: () => 'Get the image again from where it was made: save or push it once more there, and load or pull it.',
  },
  OLD_IMAGE_WITHOUT_METADATA: {
    message: (d: { archive: string }) =>
      `${d.archive} is an archive of docker’s form, which cannot hold what makes an image a cluster image.`,
    hint: () =>
      'Save the image again as an OCI archive: with sealer 0.9 to 0.11 that is what --format oci-archive means.',
  },
  OLD_IMAGE_TOO_OLD: {
    message: (d: { image: string }) => `${d.image} was made by sealer 0.8 or older, whose images have another form.`,
    hint: () => 'Build it again from its Kubefile: sealer build',
  },
})

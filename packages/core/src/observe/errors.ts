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
  OBSERVE_UNAVAILABLE: {
    message: (d: { images: readonly Wanted[] }) =>
      `${count(d.images.length)} that the cluster asks for cannot be fetched:\n${listed(d.images)}`,
    hint: () =>
      'Log in (sealer login), name mirrors and CAs (docs/guides/registries.md), or see why the app asks for it.',
  },
  OBSERVE_INCOMPLETE: {
    message: (d: { images: readonly Wanted[] }) =>
      `The image is not complete: a second cluster, without a way to any registry, asked for ${count(d.images.length)} that the first had not asked for:\n${listed(d.images)}`,
    hint: () =>
      'What an app asks for only sometimes has to be named: put these images into manifests/imageList, or give --image-list.',
  },
  OBSERVE_TIMEOUT: {
    message: (d: { seconds: number; details: readonly string[] }) =>
      `The observed cluster has not come to rest after ${d.seconds} s:\n${d.details.map((line) => `  ${line}`).join('\n')}`,
    hint: () => 'Give it longer with --observe-timeout, or mend what does not come up. The cluster is removed.',
  },
  OBSERVE_UNTRUSTED: {
    message: (d: { image: string }) =>
      `Observing runs ${d.image} on hosts that are root of this machine, and nothing proves who has made it.`,
    hint: () =>
      'Trust a key that has signed it (sealer trust add), build it on this machine, or pass --insecure-observe where nothing is lost with the machine.',
  },
  OBSERVE_PLATFORM: {
    message: (d: { machine: string; platforms: string }) =>
      `Nothing can be observed: this machine is ${d.machine}, and the image is built for ${d.platforms}.`,
    hint: (d: { machine: string }) =>
      `Build for this machine too, with --platform ${d.machine}, or on a machine that fits.`,
  },
  OBSERVE_NO_CLUSTER: {
    message: () => 'The image holds no cluster software, so no cluster can be made of it to observe.',
    hint: () => 'Build FROM an image that holds it, e.g. FROM sealerio/kubernetes:v1.34.4.',
  },
  OBSERVE_INFRA: {
    message: (d: { infra: string }) => `The infra "${d.infra}" cannot keep hosts away from every registry but ours.`,
    hint: () =>
      'Observing works with hosts on this machine (infra local), which is what is taken when nothing is said.',
  },
  OBSERVE_TOO_MANY: {
    message: (d: { most: number }) => `The cluster asks for more than ${d.most} images.`,
    hint: () => 'Something in it makes up names. Look at its pods, and leave that app out of LAUNCH.',
  },
})

/** An image that was asked for, and what is known of it. */
interface Wanted {
  readonly reference: string
  readonly who: readonly string[]
  readonly reason?: string
}

const count = (images: number): string => (images === 1 ? '1 container image' : `${images} container images`)

const listed = (images: readonly Wanted[]): string =>
  images
    .slice(0, 50)
    .map(({ reference, who, reason }) => {
      const by = who.length === 0 ? '' : ` (asked for by ${who.slice(0, 3).join(', ')}${who.length > 3 ? ', …' : ''})`
      return `  ${reference}${by}${reason === undefined ? '' : `: ${reason}`}`
    })
    .join('\n')

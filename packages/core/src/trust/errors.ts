import { defineErrors } from '../errors.ts'

/** Errors of keys, signatures and whom this machine trusts. */
export const trustErrors = defineErrors('core', {
  SIGNING_KEY_INVALID: {
    message: (d: { key: string; reason: string }) => `${d.key} cannot be used as a key: ${d.reason}.`,
    hint: () =>
      'Make a pair with: sealer keys generate. Signing takes the private key, verify and trust the public one.',
  },
  SIGNING_KEY_PASSWORD_WRONG: {
    message: (d: { key: string }) => `The password does not open ${d.key}, or the key was changed.`,
    hint: () => 'Say where the password stands: --password-from env:NAME, file:PATH or prompt.',
  },
  SIGNING_KEY_EXISTS: {
    message: (d: { file: string }) => `${d.file} is there already; a key is never overwritten.`,
    hint: () => 'Name another place: sealer keys generate PREFIX, or move the old key away.',
  },
  SIGNATURE_MISSING: {
    message: (d: { image: string; digest: string }) =>
      `${d.image} (${d.digest}) has no signature, and a key is trusted for its name.`,
    hint: (d: { image: string }) =>
      `If it should have one, fetch it again: sealer pull ${d.image}. To use it all the same: --insecure-unsigned`,
  },
  SIGNATURE_UNTRUSTED: {
    message: (d: { image: string; count: number; keys: readonly string[] }) =>
      `${d.image} has ${d.count} ${d.count === 1 ? 'signature' : 'signatures'}, none of them made by ${d.keys.join(' or ')}: another key has signed, or the signature was changed.`,
    hint: () =>
      'See which keys are trusted with sealer trust list. If the signer is right, trust the key: sealer trust add KEY',
  },
  SIGNATURE_DAMAGED: {
    message: (d: { image: string; reason: string }) => `A signature of ${d.image} cannot be read: ${d.reason}.`,
    hint: () =>
      'Fetch the image again, or sign it again. Something between the signer and this machine has changed it.',
  },
  SIGNATURE_OF_OTHER_IMAGE: {
    message: (d: { image: string; digest: string; signed: string }) =>
      `The signature that comes with ${d.image} is of another image: it says ${d.signed}, the image is ${d.digest}.`,
    hint: () => 'The image was exchanged, or a signature was moved to it. Ask whoever has published it.',
  },
  SIGNATURE_FOR_OTHER_NAME: {
    message: (d: { image: string; signed: string }) => `${d.image} is signed under the name ${d.signed}.`,
    hint: (d: { image: string; signed: string }) =>
      `Sign it under this name (sealer sign ${d.image} --key KEY), or allow the other one: sealer trust add KEY --identity '${d.signed}'`,
  },
  SIGNATURE_KEY_EXPIRED: {
    message: (d: { image: string; key: string; until: string }) =>
      `${d.image} is signed by ${d.key}, which was trusted until ${d.until}.`,
    hint: () => 'If the key still holds, trust it anew: sealer trust add KEY --until DATE',
  },
  TRUST_FILE_INVALID: {
    message: (d: { file: string; reason: string }) =>
      `${d.file} cannot be read: ${d.reason}. No image is trusted by it.`,
    hint: () => 'Mend the file, or move it away and add the keys again: sealer trust add KEY',
  },
  TRUST_RULE_INVALID: {
    message: (d: { what: string; text: string; reason: string }) => `${d.what} "${d.text}": ${d.reason}.`,
    hint: () => 'Examples: --for registry.example/team/app, --for "registry.example/**", --until 2027-01-31',
  },
  TRUSTED_KEY_NOT_FOUND: {
    message: (d: { key: string }) => `No trusted key is "${d.key}".`,
    hint: () => 'See them with: sealer trust list',
  },
})

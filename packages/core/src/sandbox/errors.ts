import { defineErrors } from '../errors.ts'

/** Errors of executing RUN. */
export const sandboxErrors = defineErrors('core', {
  RUN_FAILED: {
    message: (d: { place: string; command: string; end: string; said: readonly string[] }) =>
      [`${d.place}: the command ended with ${d.end}: ${d.command}`, ...d.said.map((line) => `  | ${line}`)].join('\n'),
    hint: () =>
      'Nothing of this instruction is kept. Mend the command; what was built before it is in the cache already.',
  },
  SANDBOX_PROGRAM_MISSING: {
    message: (d: { programs: readonly string[]; packages: readonly string[] }) =>
      `RUN needs programs that this machine lacks: ${d.programs.join(', ')}.`,
    hint: (d) => `Install them: apt-get install ${d.packages.join(' ')}`,
  },
  SANDBOX_FORBIDDEN: {
    message: (d: { reason: string }) => `This machine does not let RUN have a sandbox of its own: ${d.reason}`,
    hint: () =>
      'User namespaces are needed, and overlayfs in them (Linux 5.11 or newer). See sysctl kernel.unprivileged_userns_clone, user.max_user_namespaces and kernel.apparmor_restrict_unprivileged_userns, or build as root. The folder of the build cache must not be on overlayfs or NFS.',
  },
  SANDBOX_NETWORK: {
    message: (d: { reason: string }) => `The network of RUN could not be set up: ${d.reason}`,
    hint: () => 'Commands that need no network can say so: RUN --network=none.',
  },
  RUN_PLATFORM_FOREIGN: {
    message: (d: { place: string; platform: string }) =>
      `${d.place}: this machine cannot execute programs of ${d.platform}.`,
    hint: () =>
      'Install emulation and try again: apt-get install qemu-user-static binfmt-support. Or build on a machine of that platform, and join the images there.',
  },
  LAYER_NOT_UNPACKED: {
    message: (d: { layer: string; reason: string }) => `The layer ${d.layer} cannot be unpacked: ${d.reason}`,
    hint: () => 'Fetch the image again; if that does not help, the image itself is wrong.',
  },
})

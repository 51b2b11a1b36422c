/** System calls that no build needs and that reach deep into the kernel, by number. @see Linux, unistd.h of each architecture */
interface Calls {
  /** `AUDIT_ARCH_…` of linux/audit.h. */
  readonly architecture: number
  readonly clone: number
  readonly forbidden: readonly number[]
}

/** Numbers that all newer architectures share: io_uring, the new mount calls, pidfd_getfd. */
const common = [425, 426, 427, 428, 429, 430, 431, 432, 433, 438, 442]

const tables: Readonly<Record<string, Calls>> = {
  x64: {
    architecture: 0xc000003e,
    clone: 56,
    // pivot_root, chroot, acct, mount, umount2, swapon, swapoff, reboot, iopl, ioperm, init_module, delete_module, quotactl, kexec_load,
    // add_key, request_key, keyctl, unshare, perf_event_open, name_to_handle_at, open_by_handle_at, setns, finit_module, kexec_file_load,
    // bpf, userfaultfd
    forbidden: [
      155, 161, 163, 165, 166, 167, 168, 169, 172, 173, 175, 176, 179, 246, 248, 249, 250, 272, 298, 303, 304, 308, 313,
      320, 321, 323,
    ],
  },
  arm64: {
    architecture: 0xc00000b7,
    clone: 220,
    // umount2, mount, pivot_root, chroot, quotactl, acct, unshare, kexec_load, init_module, delete_module, reboot, add_key, request_key,
    // keyctl, swapon, swapoff, perf_event_open, name_to_handle_at, open_by_handle_at, setns, finit_module, bpf, userfaultfd, kexec_file_load
    forbidden: [
      39, 40, 41, 51, 60, 89, 97, 104, 105, 106, 142, 217, 218, 219, 224, 225, 241, 264, 265, 268, 273, 280, 282, 294,
    ],
  },
}

/** clone3 hides its flags from filters; with ENOSYS the C library falls back to clone. */
const clone3 = 435
/** All `CLONE_NEW…` flags. */
const newNamespaces = 0x7e020000
const [eperm, enosys] = [1, 38]

// struct sock_filter of linux/filter.h, and what it is made of.
const load = 0x20
const [equal, atLeast, anyBit, give] = [0x15, 0x35, 0x45, 0x06]
const [allowed, errno] = [0x7fff0000, 0x00050000]
const [atNumber, atArchitecture, atFirstArgument] = [0, 4, 16]

/** A filter for this machine's processor as `bwrap --seccomp` reads it; undefined for one that no table is here for. */
export function seccompFilter(processor: string = process.arch): Buffer | undefined {
  const calls = tables[processor]
  if (calls === undefined) return undefined
  const tests: (readonly [code: number, value: number, to: 'allow' | 'eperm' | 'enosys' | 'next'])[] = [
    [equal, clone3, 'enosys'],
    ...[...calls.forbidden, ...common].map((call) => [equal, call, 'eperm'] as const),
  ]
  const program: number[][] = [
    [load, 0, 0, atArchitecture],
    [equal, 1, 0, calls.architecture],
    [give, 0, 0, errno | enosys],
    [load, 0, 0, atNumber],
  ]
  // The end of the program: flags of clone, then the three answers.
  const end = [
    [equal, 0, 2, calls.clone],
    [load, 0, 0, atFirstArgument],
    [anyBit, 1, 0, newNamespaces],
    [give, 0, 0, allowed],
    [give, 0, 0, errno | eperm],
    [give, 0, 0, errno | enosys],
  ]
  const x32 = [atLeast, tests.length + end.length - 1, 0, 0x40000000]
  program.push(x32)
  for (const [index, [code, value, to]] of tests.entries()) {
    const answer = to === 'enosys' ? end.length - 1 : end.length - 2
    program.push([code, tests.length - index - 1 + answer, 0, value])
  }
  return encode([...program, ...end])
}

function encode(program: readonly (readonly number[])[]): Buffer {
  const bytes = Buffer.alloc(program.length * 8)
  for (const [index, [code = 0, yes = 0, no = 0, value = 0]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8)
    bytes.writeUInt8(yes, index * 8 + 2)
    bytes.writeUInt8(no, index * 8 + 3)
    bytes.writeUInt32LE(value >>> 0, index * 8 + 4)
  }
  return bytes
}

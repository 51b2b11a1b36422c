import { spawn } from 'node:child_process'
import { rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { errors } from './errors.ts'
import { runtimeFolder } from './layout.ts'
import { kill } from './process-mark.ts'

/** Longer than any work under a lock; building the root file system takes a minute or two. */
const patience = 600

/**
 * A shell holds the lock for us as long as its standard input is open: when this process dies, however it dies, the kernel
 * closes the pipe and the lock is free. A file that was removed while we waited is not the lock any more.
 */
const holder = `
while :; do
  mkdir -p -m 755 "\${1%/*}" && command exec 9>"$1" || { sleep 0.05; continue; }
  flock -w "$2" 9 || exit 75
  [ /proc/self/fd/9 -ef "$1" ] && break
done
echo held
exec cat >/dev/null`

/** Holds a machine-wide lock while `work` runs. Leaves no file behind. @throws LOCAL_BUSY */
export async function withLock<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  signal?.throwIfAborted()
  const file = join(runtimeFolder, `.${name}.lock`) // the dot keeps locks apart from the claims of clusters
  const child = spawn('sh', ['-c', holder, 'sh', file, String(patience)], {
    detached: true, // Ctrl-C is for us; the lock ends with its pipe
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  child.stdin.on('error', () => {})
  const abort = () => child.pid !== undefined && kill(-child.pid, 'SIGKILL')
  signal?.addEventListener('abort', abort, { once: true })
  try {
    await new Promise<void>((held, failed) => {
      child.once('error', failed)
      child.once('exit', () =>
        failed(signal?.aborted ? signal.reason : errors.LOCAL_BUSY({ what: name, seconds: patience })),
      )
      child.stdout.once('data', () => held())
    })
    signal?.removeEventListener('abort', abort)
    try {
      return await work()
    } finally {
      await rm(file, { force: true })
      await rmdir(runtimeFolder).catch(() => {}) // not empty: claims and locks of others
    }
  } finally {
    signal?.removeEventListener('abort', abort)
    child.stdin.destroy()
  }
}

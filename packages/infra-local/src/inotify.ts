import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'

/** inotify(7) instances of root: how many there may be (of this machine and all local hosts together), and how many there are. */
export function inotifyInstances(): { readonly limit: number; readonly used: number } {
  const limit = Number(readFileSync('/proc/sys/fs/inotify/max_user_instances', 'utf8'))
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return { limit, used: processes.reduce((sum, pid) => sum + instancesOf(pid), 0) }
}

function instancesOf(pid: string): number {
  try {
    if (statSync(`/proc/${pid}`).uid !== 0) return 0
    const files = readdirSync(`/proc/${pid}/fd`)
    return files.filter((file) => readlinkSync(`/proc/${pid}/fd/${file}`) === 'anon_inode:inotify').length
  } catch {
    return 0 // it has ended, or is another user's
  }
}

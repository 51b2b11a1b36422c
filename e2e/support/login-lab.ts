import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** An sshd in an overlay of this machine's files, with users and sudo of its own: nothing of the machine is changed. */
export interface LoginLab extends AsyncDisposable {
  /** Offers password and keyboard-interactive. */
  readonly port: number
  /** Offers keyboard-interactive alone, as many sites do. */
  readonly interactivePort: number
}

/** Every user's password. */
export const labPassword = `p"a's $word\\`

/**
 * Users: `ops` (sudo with password), `trusted` (sudo remembers the password for all sessions), `terminal` (sudo runs commands on
 * a pseudo-terminal, as newer ones do), `free` (sudo without password, dash for a shell), `plain` (no sudo), `noisy` (sudo without password; login files that talk on both streams).
 */
const script = `set -e
mount -t tmpfs tmpfs "$LAB"
mkdir "$LAB/upper" "$LAB/work" "$LAB/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$LAB/upper,workdir=$LAB/work" "$LAB/root"
cd "$LAB/root"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs tmpfs run
mkdir -p run/sshd
printf '#!/bin/sh\\nexit 101\\n' >usr/sbin/policy-rc.d
chmod +x usr/sbin/policy-rc.d
command -v sudo >/dev/null || DEBIAN_FRONTEND=noninteractive chroot . apt-get install -qq -y --no-install-recommends sudo >&2
for user in ops trusted terminal free plain noisy; do
  chroot . useradd -m -s /bin/bash $user
  printf '%s:%s\\n' $user "$PASSWORD" | chroot . chpasswd
done
cat >etc/sudoers.d/lab <<'SUDOERS'
Defaults:trusted timestamp_type=global
Defaults:terminal use_pty
ops ALL=(ALL) ALL
trusted ALL=(ALL) ALL
terminal ALL=(ALL) ALL
free ALL=(ALL) NOPASSWD: ALL
noisy ALL=(ALL) NOPASSWD: ALL
SUDOERS
chmod 440 etc/sudoers.d/lab
chroot . usermod -s /bin/dash free
printf 'echo welcome; echo "be careful, password: " >&2\\n' >home/noisy/.bashrc
ssh-keygen -q -t ed25519 -N '' -f etc/lab-host-key
for kind in password interactive; do
  cat >etc/lab-$kind <<CONFIG
ListenAddress 127.0.0.1
HostKey /etc/lab-host-key
PidFile none
UsePAM yes
PasswordAuthentication $([ $kind = password ] && echo yes || echo no)
KbdInteractiveAuthentication yes
PermitRootLogin no
LogLevel ERROR
CONFIG
done
chroot . /usr/sbin/sshd -D -e -f /etc/lab-interactive -p "$INTERACTIVE_PORT" &
chroot . /usr/sbin/sshd -D -e -f /etc/lab-password -p "$PORT" &
for port in "$PORT" "$INTERACTIVE_PORT"; do
  until (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null; do sleep 0.05; done
done
echo ready
wait
`

export async function startLoginLab(port: number, interactivePort: number): Promise<LoginLab> {
  const folder = mkdtempSync(join(tmpdir(), 'sealer-lab-'))
  const child = spawn('unshare', ['--mount', '--pid', '--fork', '--kill-child', 'bash', '-c', script], {
    env: {
      ...process.env,
      LAB: folder,
      PASSWORD: labPassword,
      PORT: `${port}`,
      INTERACTIVE_PORT: `${interactivePort}`,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await ready(child)
  return {
    port,
    interactivePort,
    [Symbol.asyncDispose]: async () => {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function ready(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-4_000)
    })
    child.stdout?.on('data', (chunk: Buffer) => chunk.includes('ready') && resolve())
    child.once('exit', (code) => reject(new Error(`The lab ended with ${code}: ${said}`)))
  })
}

// landing, time limit: 120 s
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, copyFile, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { machine, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from '../packages/core/src/errors.ts'
import { registryDouble } from '../packages/core/src/image/registry-double.test.support.ts'
import { serve, workplace } from '../packages/core/src/lifecycles/build.test.support.ts'
import { putBase, type TarHeader } from '../packages/core/src/sandbox/bases.test.support.ts'
import type { BuildOptions } from '../packages/core/src/sealer.ts'
import { rejection } from '../packages/core/src/testing/rejection.ts'
import { eventually } from './support/eventually.ts'

const corePattern = await readFile('/proc/sys/kernel/core_pattern', 'utf8')
const test = suite('RUN in a sandbox')

/** Builds `FROM scratch` with instructions; an image without a shell unless `busybox`. */
async function built(instructions: string, options: Partial<BuildOptions> & { readonly busybox?: boolean } = {}) {
  const { busybox = false, ...rest } = options
  const place = await workplace({ Kubefile: '' })
  if (busybox) {
    await mkdir(join(place.context.folder, 'box/bin'), { recursive: true })
    await copyFile('/bin/busybox', join(place.context.folder, 'box/bin/busybox'))
    for (const name of ['sh', 'cat', 'ls', 'id', 'grep', 'kill']) {
      await symlink('busybox', join(place.context.folder, 'box/bin', name))
    }
  }
  const lines: string[] = []
  const run = async (text = instructions) => {
    lines.length = 0
    await place.context.write('Kubefile', `FROM scratch\n${busybox ? 'COPY box .\n' : ''}${text}\nCMD echo\n`)
    return place.build({ onProgress: (line) => lines.push(line), ...rest })
  }
  const listing = async (report: Awaited<ReturnType<typeof run>>, at = -1) => {
    const { layers } = await place.inspect(report)
    const blob = layers.at(at)?.blob.digest ?? ''
    const text = execFileSync('tar', ['-tvf', '-', '--numeric-owner'], {
      input: await place.store.blobs.read(blob),
      env: { ...process.env, TAR_OPTIONS: '-z' },
    })
    return text
      .toString()
      .trim()
      .split('\n')
      .map((line) => line.replace(/ +/g, ' ').replace(/ 1970-01-01 00:00/, ''))
  }
  return {
    ...place,
    run,
    lines,
    listing,
    said: () => lines.filter((line) => line.includes('| ')).map((line) => line.replace(/^.*?\| /, '')),
  }
}

test('the layer of a command holds what it has added, changed and taken away', async () => {
  await using place = await built(
    'COPY Kubefile keep/a\nCOPY Kubefile gone/b\nCOPY Kubefile again/c\nRUN mkdir new && echo x > new/f && ln new/f new/g && ln -s f new/l && rm -rf gone again && mkdir again && echo y >> keep/a && chmod 4755 new/f && chown 12:34 keep/a',
  )
  const report = await place.run()
  assert.equal(await place.listing(report), [
    'drwxr-xr-x 0/0 0 again/',
    '-rw-r--r-- 0/0 0 again/.wh..wh..opq',
    '-rw-r--r-- 0/0 0 .wh.gone',
    'drwxr-xr-x 0/0 0 keep/',
    `-rw-r--r-- 12/34 ${(await lstat(join(place.context.folder, 'Kubefile'))).size + 2} keep/a`,
    'drwxr-xr-x 0/0 0 new/',
    '-rwsr-xr-x 0/0 2 new/f',
    'hrwsr-xr-x 0/0 0 new/g link to new/f',
    'lrwxrwxrwx 0/0 0 new/l -> f',
  ])
})

test('a command that was run on the same files with the same variables is not run again', async () => {
  await using place = await built('')
  const kubefile = (value: string) => `ARG A=${value}\nCOPY keep.txt .\nRUN date +%N >at; echo "$A"\nRUN cat at >again`
  await place.context.write('keep.txt', '1')
  const first = await place.run(kubefile('1'))
  const second = await place.run(kubefile('1'))
  assert.equal([second.digest, second.layers.cached, place.said()], [first.digest, 3, []])
  const other = await place.run(kubefile('2'))
  assert.equal([other.digest === first.digest, place.said()], [false, ['2']])
  await place.context.write('keep.txt', '2')
  assert.is.not((await place.run(kubefile('1'))).digest, first.digest)
})

test('--no-cache runs it again', async () => {
  await using place = await built('RUN date +%N >at', { noCache: true })
  const first = await place.run()
  assert.is.not((await place.run()).digest, first.digest)
})

test('an image on it has the files, and takes them away', async () => {
  await using place = await built('COPY Kubefile a/one\nCOPY Kubefile a/two\nRUN rm a/one && mkdir b && echo 1 >b/x')
  await place.run()
  await place.context.write(
    'Kubefile',
    'FROM app:v1\nRUN ls a b; rm -r b; mkdir b; setfattr -n user.note -v "é" a/two\nRUN ls -A b; getfattr -n user.note --only-values a/two\nCMD echo\n',
  )
  const lines: string[] = []
  await place.build({ tag: 'app:v2', onProgress: (line) => lines.push(line) })
  assert.equal(
    lines.filter((line) => line.includes(': | ')).map((line) => line.replace(/^.*: \| /, '')),
    ['a:', 'two', '', 'b:', 'x', 'é'],
  )
  const parts = await place.store.platform(await place.store.resolve('app:v2'), { os: 'linux', architecture: 'amd64' })
  assert.is(parts.layers.length, 4) // the last command has changed nothing
})

test('/tmp is gone after a command, unless the image has files there', async () => {
  await using place = await built(
    'RUN mkdir -p /tmp/x && ls -d /tmp/x\nRUN ls -A /tmp\nCOPY Kubefile tmp/script\nRUN ls -A /tmp; rm /tmp/script',
    { busybox: true },
  )
  const report = await place.run()
  assert.equal(place.said(), ['/tmp/x', 'script'])
  assert.equal(
    (await place.listing(report)).map((line) => line.split(' ').at(-1)),
    ['tmp/', 'tmp/.wh.script'],
  )
})

test('a failed command is an error with its place and its last words, and leaves nothing', async () => {
  await using place = await built('RUN echo before; echo "cannot do it" >&2; exit 7')
  const error = await rejection<SealerError>(place.run())
  assert.is(error.code, 'RUN_FAILED')
  assert.match(error.message, /Kubefile:2: the command ended with exit code 7/)
  assert.match(error.message, /\| cannot do it$/)
})

test('forms: a program with arguments, a program in the Kubefile, variables', async () => {
  await using place = await built(
    'ARG V=arg\nENV W="a b"\nRUN ["printf", "%s\\n", "$V"]\nRUN <<EOT\n#!/usr/bin/env bash\nset -u\necho ${V^^} "$W"\nEOT\nRUN <<EOT\ncd /etc\npwd\nEOT',
  )
  await place.run()
  assert.equal(place.said(), ['$V', 'ARG a b', '/etc'])
})

test('an image with a shell is on its own: no program and no file of this machine', async () => {
  await using place = await built('RUN id -u; ls /; ls /usr 2>&1; cat /etc/passwd 2>&1; ls -A /tmp /etc', {
    busybox: true,
  })
  await place.run()
  assert.equal(
    place.said().join(' '),
    "0 bin dev etc proc tmp ls: /usr: No such file or directory cat: can't open '/etc/passwd': No such file or directory /etc: hosts resolv.conf  /tmp:",
  )
})

/** What a command says that tries to do harm; it ends well whatever happened. */
async function attempt(script: string, options: Parameters<typeof built>[1] = {}): Promise<string> {
  await using place = await built(`RUN <<EOT\n${script}\ntrue\nEOT`, options)
  await place.run()
  return place.said().join('\n')
}

test('files of this machine cannot be written, not even tools that are lent', async () => {
  const said = await attempt(`
    echo x >/usr/bin/sealer-was-here
    rm -f /usr/bin/env
    echo x >/usr/share/sealer-was-here
    echo x >/etc/ssl/sealer-was-here
    ls /root /home /var /proc/1/root/home /proc/1/cwd/home`)
  assert.is(said.match(/Read-only file system/g)?.length, 4)
  assert.is(said.match(/No such file or directory/g)?.length, 5)
})

test('a link of the image leads nowhere but into the image', async () => {
  await using place = await built('COPY box .\nRUN echo x >out/sealer-was-here; mkdir -p /var/sealer-was-here; ls /var')
  await mkdir(join(place.context.folder, 'box'))
  await symlink('/var/tmp', join(place.context.folder, 'box/out'))
  await symlink('/proc/1/root', join(place.context.folder, 'box/proc'))
  await symlink('/var/tmp', join(place.context.folder, 'box/dev'))
  await symlink('/var/tmp', join(place.context.folder, 'box/etc'))
  await symlink('/var/tmp', join(place.context.folder, 'box/tmp'))
  await place.run()
  assert.equal(place.said().slice(-1), ['sealer-was-here'])
  assert.is(await lstat('/var/tmp/sealer-was-here').catch(() => 'nothing'), 'nothing')
  assert.is(await lstat('/var/tmp/resolv.conf').catch(() => 'nothing'), 'nothing')
})

test('mounts, devices, namespaces, kernel settings and powers are refused', async () => {
  const said = await attempt(`
    mount -t tmpfs tmpfs /etc; umount /proc; mount -o remount,rw /usr/bin
    mknod disk b 254 0; mknod mem c 1 1
    unshare --user true; unshare --mount true; chroot / true
    echo 1 >/proc/sys/kernel/panic; echo b >/proc/sysrq-trigger; echo core >/proc/sys/kernel/core_pattern
    hostname sealer-was-here; date -s 2000-01-01; dmesg | head -1; swapoff -a
    ip link add x type dummy; sysctl -w net.ipv4.ip_forward=1
    echo "powers $(grep NoNewPrivs /proc/self/status | cut -f2) $(grep Seccomp: /proc/self/status | cut -f2) $(grep CapEff /proc/self/status | cut -f2)"`)
  assert.match(said, /powers 1 2 00000000800000fb/)
  for (const word of [
    'mount: ',
    'umount: ',
    'mknod: disk',
    'mknod: mem',
    'unshare: ',
    'chroot: ',
    'hostname: ',
    'date: ',
    'RTNETLINK answers: Operation not permitted',
  ])
    assert.match(said, word)
  assert.is(await readFile('/proc/sys/kernel/core_pattern', 'utf8'), corePattern)
})

test('no process outside is seen, signalled or traced', async () => {
  const victim = process.pid
  const said = await attempt(
    `ls /proc | grep -c '^[0-9]'; kill -0 ${victim}; kill -KILL -1 2>/dev/null; cat /proc/${victim}/environ`,
    { busybox: true },
  )
  assert.ok(Number(said.split('\n')[0]) < 10)
  assert.match(said, /can't kill pid|No such process/)
})

test('the loopback, the sockets and the link-local addresses of this machine are out of reach', async () => {
  const heard: string[] = []
  const server = createServer((socket) => {
    heard.push('connection')
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  execFileSync('ip', ['addr', 'add', '169.254.169.254/32', 'dev', 'lo'])
  const metadata = createServer((socket) => {
    heard.push('metadata')
    socket.destroy()
  })
  await new Promise<void>((resolve) => metadata.listen(0, '169.254.169.254', resolve))
  const at = (metadata.address() as { port: number }).port
  try {
    await attempt(
      `for a in 127.0.0.1 127.0.0.2 10.0.2.2 0.0.0.0 localhost ::1 ::ffff:127.0.0.1; do timeout 3 bash -c "echo >/dev/tcp/$a/${port}"; done
      timeout 3 bash -c 'echo >/dev/tcp/169.254.169.254/${at}'
      cat /proc/net/unix | wc -l`,
    )
    assert.equal(heard, [])
  } finally {
    execFileSync('ip', ['addr', 'del', '169.254.169.254/32', 'dev', 'lo'])
    for (const one of [server, metadata]) one.close()
  }
})

test('the way out leads to other machines, unless there is none', async () => {
  const said = await attempt('ip -4 route | wc -l; cat /etc/resolv.conf | head -1; ip -br link | wc -l')
  assert.is(said, '3\nnameserver 10.0.2.3\n2')
  await using alone = await built('RUN --network=none cat /etc/resolv.conf; ip -br link')
  await alone.run()
  assert.match(alone.said().join(), /^lo/)
  assert.is(alone.said().length, 1)
})

test('what a command leaves behind in the background ends with it', async () => {
  const mark = `sealer-left-${process.pid}`
  await attempt(`(exec -a ${mark} setsid sleep 1000) >/dev/null 2>&1 &\nsleep 0.3`)
  assert.not.match(execFileSync('ps', ['-eo', 'args']).toString(), mark)
})

test('a flood of processes ends at a bound and with the build', async () => {
  const abort = new AbortController()
  await using place = await built('RUN echo started; f() { f | f & }; f; sleep 1000', { signal: abort.signal })
  const building = rejection(place.run())
  while (!place.lines.some((line) => line.includes('started'))) await new Promise((resolve) => setTimeout(resolve, 50))
  await new Promise((resolve) => setTimeout(resolve, 1500))
  const most = sandboxed().length
  abort.abort(new Error('enough'))
  assert.is((await building).message, 'enough')
  assert.ok(most > 100 && most < 4200, `${most} processes`)
  await nothingLeft()
})

/** The kernel may take a moment to end a process namespace that was killed. */
const nothingLeft = () =>
  eventually('no process of a sandbox is left', 20, async () => (sandboxed().length === 0 ? true : undefined))

/** Processes that run with ids of sandboxes, without those that are dead already. */
function sandboxed(): string[] {
  const list = execFileSync('ps', ['-eo', 'uid=,stat=,args='], { maxBuffer: 64 * 1024 * 1024 }).toString()
  return list.split('\n').filter((line) => Number.parseInt(line, 10) >= 2_000_000_000 && !/^ *\d+ Z/.test(line))
}

async function onBase(layers: readonly (readonly TarHeader[])[], command: string): Promise<string> {
  await using place = await built('')
  await putBase(place.store, layers)
  await place.context.write('Kubefile', `FROM base:v1\nRUN --network=none ${command}\nCMD echo\n`)
  const lines: string[] = []
  await place.build({ onProgress: (line) => lines.push(line) })
  return lines.flatMap((line) => /: \| (.*)/.exec(line)?.[1] ?? []).join(' ')
}

test('layers of a base lie over each other, what is whited out is gone', async () => {
  const layers: TarHeader[][] = [
    [{ name: 'a/one' }, { name: 'a/two' }, { name: 'b/deep/x' }, { name: 'c/file' }, { name: 'd/old' }, { name: 'e' }],
    [
      { name: 'b/deep/.wh..wh..opq' },
      { name: 'b/deep/y' },
      { name: 'a/.wh.one' },
      { name: '.wh.c' },
      { name: 'd/.wh..wh..opq' },
    ],
    [{ name: 'd/new' }, { name: '.wh.e' }, { name: 'e/now', mode: 0o600, uid: 70_000 }, { name: '.wh.never' }],
  ]
  const said = await onBase(layers, 'find a b c d e -type f | sort; stat -c "%a %u" e/now')
  assert.is(said, "find: 'c': No such file or directory a/two b/deep/y d/new e/now 600 70000")
})

test('a hostile base harms nothing and is seen as it is', async () => {
  const victim = await mkdtemp(join(tmpdir(), 'sealer-victim-'))
  await chmod(victim, 0o777)
  try {
    const layers: TarHeader[][] = [
      [
        { name: 'out', type: 'symlink', linkname: victim },
        { name: 'up', type: 'symlink', linkname: `../../../../../../../..${victim}` },
      ],
      [
        { name: 'out/over' },
        { name: 'up/over' },
        { name: 'dev/mem', type: 'character-device', devmajor: 1, devminor: 1 },
      ],
      [
        { name: 'setuid', mode: 0o4755 },
        { name: 'etc', type: 'symlink', linkname: victim },
        { name: 'proc', type: 'symlink', linkname: victim },
      ],
    ]
    await onBase(layers, 'ls; echo x >out/by-command; echo x >up/by-command')
    assert.equal(await readdir(victim), [])
  } finally {
    await rm(victim, { recursive: true, force: true })
  }
})

for (const [what, layer] of Object.entries<TarHeader[]>({
  'a path that leads out': [{ name: '../../../sealer-was-here' }],
  'a hard link that leads out': [{ name: 'shadow', type: 'link', linkname: '/etc/shadow' }],
  'a path through a link of its own': [
    { name: 'out', type: 'symlink', linkname: '/var/tmp' },
    { name: 'out/sealer-was-here' },
  ],
  'a device': [{ name: 'disk', type: 'block-device', devmajor: 254, devminor: 0 }],
  'a whiteout without a name': [{ name: 'a/.wh...' }],
})) {
  test(`a base with ${what} is refused`, async () => {
    const error = await rejection<SealerError>(onBase([layer], 'true'))
    assert.is(error.code, 'LAYER_NOT_UNPACKED')
  })
}

test('COPY --from takes files as the image has them: layers, whiteouts, links of its own', async () => {
  await using place = await built('')
  await putBase(place.store, [
    [{ name: 'opt/a/1', mode: 0o755 }, { name: 'opt/a/gone' }, { name: 'opt/b/old' }, { name: 'opt/c' }],
    [{ name: 'opt/a/.wh.gone' }, { name: 'opt/b/.wh..wh..opq' }, { name: 'opt/b/new' }, { name: 'opt/.wh.c' }],
    [
      { name: 'abs', type: 'symlink', linkname: '/opt/a' },
      { name: 'out', type: 'symlink', linkname: '../../../../opt/b/new' },
      { name: 'etc', type: 'symlink', linkname: '/nosuch' },
      { name: 'circle', type: 'symlink', linkname: 'circle' },
    ],
  ])
  await place.context.write(
    'Kubefile',
    'FROM scratch\nCOPY --from=base:v1 /opt all\nCOPY --from=base:v1 abs/* out bin/\nCMD echo\n',
  )
  const report = await place.build()
  assert.equal(await place.listing(report, 0), [
    'drwxr-xr-x 0/0 0 all/',
    'drwxr-xr-x 0/0 0 all/a/',
    '-rwxr-xr-x 0/0 1 all/a/1',
    'drwxr-xr-x 0/0 0 all/b/',
    '-rw-r--r-- 0/0 1 all/b/new',
  ])
  assert.equal(await place.listing(report, 1), [
    'drwxr-xr-x 0/0 0 bin/',
    '-rwxr-xr-x 0/0 1 bin/1',
    '-rw-r--r-- 0/0 1 bin/out',
  ])
  for (const path of ['etc/passwd', 'circle', 'opt/c', '../../etc/passwd']) {
    await place.context.write('Kubefile', `FROM scratch\nCOPY --from=base:v1 ${path} x\nCMD echo\n`)
    assert.match((await rejection<SealerError>(place.build())).message, /Kubefile:2:21: .* is not in docker.io/)
  }
})

test('COPY --from takes files of a container image of a registry, for the platform that is built', async () => {
  const registry = await registryDouble()
  await serve(registry, 'tools')
  await using place = await built('')
  await place.context.write('Kubefile', `FROM scratch\nCOPY --from=${registry.host}/tools:1 hello .\nCMD echo\n`)
  const first = await place.build()
  assert.equal(await place.listing(first), [`-rw-r--r-- 0/0 ${`${registry.host}/tools:1 for amd64`.length} hello`])
  await registry[Symbol.asyncDispose]() // it is not asked again
  const second = await place.build()
  assert.equal([second.digest, second.images], [first.digest, []])
})

test('container images are found in what commands have left, not in what they have removed', async () => {
  await using registry = await registryDouble()
  await serve(registry, 'made')
  await using place = await built('')
  await place.context.write('imageList', `${registry.host}/gone:1\n`)
  await place.run(
    `COPY imageList manifests/\nCOPY imageList charts/x/imageList\nRUN echo ${registry.host}/made:1 >manifests/imageList; rm -r charts`,
  )
  const platform = await place.store.platform(await place.store.resolve('app:v1'), {
    os: 'linux',
    architecture: 'amd64',
  })
  assert.equal(
    platform.images.map(({ reference }) => reference),
    [`${registry.host}/made:1`],
  )
})

test('attributes of files and powers of programs come through layers', async () => {
  await using place = await built(
    'RUN --network=none echo x >a; echo y >b; setfattr -n user.note -v 0sgP8A a; setcap cap_setuid,cap_chown+ep b',
  )
  await place.run()
  await place.context.write('Kubefile', 'FROM app:v1\nRUN --network=none getfattr -d -e base64 a; getcap b\nCMD echo\n')
  await rm(join(place.home, 'cache'), { recursive: true }) // the layer is unpacked again
  const lines: string[] = []
  await place.build({ tag: 'app:v2', onProgress: (line) => lines.push(line.replace(/^.*: \| /, '')) })
  assert.ok(lines.includes('user.note=0sgP8A'), lines.join('\n'))
  assert.ok(lines.includes('b cap_chown,cap_setuid=ep'), lines.join('\n'))
})

for (const compression of ['gzip', 'zstd'] as const) {
  test(`other tools see the same files in ${compression} layers`, async () => {
    await using place = await built(
      'COPY Kubefile a/gone\nCOPY Kubefile a/kept\nCOPY Kubefile b/hidden\nRUN --network=none rm -r a/gone b; mkdir b; echo x >b/x; ln b/x b/y; ln -s x b/z; setfattr -n user.note -v 0sgP8A b/x',
      { compression },
    )
    await place.run()
    const folder = await mkdtemp(join(tmpdir(), 'sealer-umoci-'))
    try {
      const layout = `oci:${place.store.path}:docker.io/library/app:v1`
      // umoci knows no zstd: skopeo undoes it, after it has checked every layer.
      execFileSync('skopeo', ['copy', '-q', '--dest-decompress', layout, `dir:${folder}/plain`])
      execFileSync('skopeo', ['copy', '-q', `dir:${folder}/plain`, `oci:${folder}/layout:v1`])
      execFileSync('umoci', ['unpack', '--image', `${folder}/layout:v1`, join(folder, 'bundle')], { stdio: 'pipe' })
      const rootfs = join(folder, 'bundle/rootfs')
      assert.equal((await readdir(rootfs, { recursive: true })).sort(), ['a', 'a/kept', 'b', 'b/x', 'b/y', 'b/z'])
      assert.is((await lstat(join(rootfs, 'b/x'))).ino, (await lstat(join(rootfs, 'b/y'))).ino)
      assert.match(
        execFileSync('getfattr', ['-d', '-e', 'base64', 'b/x'], { cwd: rootfs }).toString(),
        /user.note=0sgP8A/,
      )
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
}

const emulated = existsSync('/proc/sys/fs/binfmt_misc/qemu-s390x')

;(emulated ? test.skip : test)('programs of a processor that nothing here understands are refused', async () => {
  const s390x = { os: 'linux', architecture: 's390x' }
  await using place = await built('RUN true', { busybox: true, platforms: [s390x] })
  assert.is((await rejection<SealerError>(place.run())).code, 'RUN_PLATFORM_FOREIGN')
  await using without = await built('RUN uname -m', { platforms: [s390x] })
  await without.run()
  assert.equal(without.said(), [machine()])
})

/** Builds the context of a place with another home, in a process of its own. */
function builder(home: string, context: string, user: readonly string[] = []) {
  const node = [process.execPath, '--import', 'tsx', '--conditions=@sealer/source']
  const [file = '', ...args] = [...user, ...node, join(import.meta.dirname, 'support/build-main.ts'), home, context]
  return spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env.PATH, HOME: home } })
}

const someone = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
/** Another user can be tried only where it may read this checkout. */
const readable = spawnSync(someone[0] ?? '', [...someone.slice(1), 'test', '-r', import.meta.filename]).status === 0

;(readable ? test : test.skip)('whoever is not root builds the same', async () => {
  await using place = await built(
    'RUN --network=none mkdir a b && echo 1 >a/x && chmod 0600 a/x\nRUN --network=none rm -r a',
  )
  const report = await place.run()
  const home = await mkdtemp(join(tmpdir(), 'sealer-user-'))
  try {
    await chown(home, 65534, 65534)
    await chmod(dirname(place.context.folder), 0o755)
    const said = await text(builder(home, place.context.folder, someone).stdout)
    assert.is(said.trim().split('\n').at(-1), report.digest)
  } finally {
    await rm(home, { recursive: true, force: true })
  }
})

test('two builds at once in one home do not disturb each other', async () => {
  await using place = await built('')
  await place.context.write(
    'Kubefile',
    'FROM scratch\nRUN --network=none seq 1000 >a; sleep 1\nRUN --network=none wc -l a >b\nCMD echo\n',
  )
  const two = [0, 1].map(() => text(builder(place.home, place.context.folder).stdout))
  const [one, other] = (await Promise.all(two)).map((said) => said.trim().split('\n').at(-1))
  assert.match(one ?? '', /^sha256:/)
  assert.is(one, other)
})

test('when the sealer is killed its commands are, too, and the next build goes on', async () => {
  await using place = await built('')
  await place.context.write('Kubefile', 'FROM scratch\nRUN echo begun; sleep 1000\nCMD echo\n')
  const child = builder(place.home, place.context.folder)
  for await (const piece of child.stdout) if (String(piece).includes('begun')) break
  assert.ok(sandboxed().length > 0)
  child.kill('SIGKILL')
  await nothingLeft()
  await place.run('RUN echo begun')
})

test('the Kubefile of the reference', async () => {
  await using place = await built('')
  for (const name of ['head', 'en', 'de']) await place.context.write(`texts/${name}`, `${name}\n`)
  const sample = join(import.meta.dirname, '../packages/core/src/kubefile/testdata/Kubefile.run')
  await place.context.write('Kubefile', await readFile(sample, 'utf8'))
  const report = await place.build()
  assert.equal(
    (await place.listing(report, 1)).map((line) => line.split(' ').at(-1)),
    ['de.txt', 'en.txt', '.wh.texts'],
  )
})

test.run()

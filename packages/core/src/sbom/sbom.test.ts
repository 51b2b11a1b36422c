// time limit: 180 s
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { Spec, Validation } from '@cyclonedx/cyclonedx-library'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock } from '../clock.ts'
import { createSealer } from '../create-sealer.ts'
import { digestOf } from '../image/blobs.ts'
import type { RootfsLayer } from '../image/cluster-config.ts'
import { sealImage } from '../image/cluster-image.ts'
import { mediaTypes } from '../image/oci.ts'
import { amd64, arm64, smallPlatform, tarOf, temporaryFolder } from '../image/small-images.test.support.ts'
import type { LocalStore } from '../image/store.ts'
import { storeOf } from '../images.ts'
import type { Bom, Component } from './cyclonedx.ts'
import { GoBuildInfoFinder, readBuildInfo } from './go-build-info.ts'
import { alpinePackages, debianPackages } from './package-databases.ts'

const test = suite('sbom')

const status = `Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u10
Description: GNU C Library
 continued

Package: removed
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0
`
const installed = `C:Q1abc
P:musl
V:1.2.5-r0
A:x86_64
L:MIT

P:busybox
V:1.36.1-r29
A:x86_64
L:GPL-2.0-only
`

/** A program as Go writes it, with its build information somewhere in the middle. */
function goProgram(modules: string): Buffer {
  const text = (value: string) => {
    const bytes = Buffer.from(value, 'latin1')
    const length: number[] = []
    for (let rest = bytes.length; ; rest >>= 7) {
      length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest)
      if (rest <= 0x7f) return Buffer.concat([Buffer.from(length), bytes])
    }
  }
  const header = Buffer.alloc(32)
  header.write('\xff Go buildinf:', 'latin1')
  header[14] = 8
  header[15] = 2
  const mark = 'x'.repeat(16)
  const lookalike = Buffer.from('\xff Go buildinf:', 'latin1') // stands in programs that read such information
  const body = [text('go1.26.8'), text(`${mark}${modules}${mark}`)]
  return Buffer.concat([
    Buffer.from('\x7fELF'),
    Buffer.alloc(300_000),
    lookalike,
    header,
    ...body,
    Buffer.alloc(100_000),
  ])
}
const lines = (...all: string[]) => all.map((line) => `${line}\n`).join('')
const program = goProgram(
  lines(
    'path\tk8s.io/kubernetes/cmd/kubelet',
    'mod\tk8s.io/kubernetes\tv1.34.4\th1:x',
    'dep\tgithub.com/Azure/go-ansiterm\tv0.0.1+incompatible\th1:y',
    'dep\tk8s.io/api\tv0.0.0',
    '=>\tk8s.io/api\tv0.34.4\th1:z',
    'dep\tk8s.io/local\tv0.0.0',
    '=>\t./staging/local\t(devel)',
    'build\t-compiler=gc',
  ),
)

async function layer(store: LocalStore, files: Readonly<Record<string, string | Buffer>>): Promise<RootfsLayer> {
  const tar = await tarOf(files)
  const blob = await store.blobs.put(gzipSync(tar, { level: 1 }))
  return { blob: { mediaType: mediaTypes.layerGzip, ...blob }, diffId: digestOf(tar) }
}

/** A machine with `team/app:v1` for two platforms; the first has packages and a Go program, one of them in a lower layer that is replaced. */
async function machine(home: string) {
  const store = storeOf(home, systemClock)
  const first = await smallPlatform(store.blobs, amd64)
  const layers = [
    ...first.layers,
    await layer(store, { 'bin/old': goProgram('mod\tgone.example/old\tv1.0.0\n'), 'lib/apk/db/installed': installed }),
    await layer(store, {
      'bin/.wh.old': '',
      'bin/kubelet': program,
      'sbin/kubelet-copy': program,
      'var/lib/dpkg/status': status,
      'etc/os-release': 'NAME="Debian"\nID=debian\n',
    }),
  ]
  const parts = [
    { name: 'kubelet', version: 'v1.34.4', licence: 'Apache-2.0', source: 'built' as const },
    {
      name: 'iptables',
      version: '1.8.9',
      licence: 'see usr/share/doc/iptables/copyright',
      source: 'official' as const,
    },
  ]
  const platforms = [
    { ...first, layers, config: { ...first.config, parts, source: 'built' as const } },
    await smallPlatform(store.blobs, arm64),
  ]
  const { digest } = await sealImage(store, { tag: 'team/app:v1', platforms, built: true })
  return { digest, store, sealer: createSealer({ home }) }
}

const parse = (document: string): Bom => JSON.parse(document)
const named = ({ components }: Bom, name: string): Component[] => components.filter((one) => one.name === name)

test('the document is valid by the schema of CycloneDX 1.6', async () => {
  await using folder = await temporaryFolder()
  const { sealer } = await machine(folder.path)
  const { document } = await sealer.images.sbom('team/app:v1')
  assert.is(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(document), null)
  const broken = document.replace('"type": "container"', '"type": "contained"')
  assert.is.not(await new Validation.JsonStrictValidator(Spec.Version.v1dot6).validate(broken), null)
})

test('parts, packages, Go modules and container images are named, each with platform, licence, purl and reason', async () => {
  await using folder = await temporaryFolder()
  const { sealer, digest } = await machine(folder.path)
  const bom = parse((await sealer.images.sbom('team/app:v1')).document)
  assert.is(bom.metadata.component.hashes?.[0]?.content, digest.slice(7))
  assert.equal(
    bom.components.map(
      ({ purl = '', properties = [] }) =>
        `${properties[0]?.value} ${purl.replace(/sha256:\w+/, 'DIGEST').split('?')[0]}`,
    ),
    [
      'linux/amd64 pkg:oci/app@DIGEST',
      'linux/amd64 pkg:generic/kubelet@v1.34.4',
      'linux/amd64 pkg:generic/iptables@1.8.9',
      'linux/amd64 pkg:apk/debian/musl@1.2.5-r0',
      'linux/amd64 pkg:apk/debian/busybox@1.36.1-r29',
      'linux/amd64 pkg:deb/debian/libc6@2.36-9%2Bdeb12u10',
      'linux/amd64 pkg:golang/stdlib@1.26.8',
      'linux/amd64 pkg:golang/k8s.io/kubernetes@v1.34.4',
      'linux/amd64 pkg:golang/github.com/azure/go-ansiterm@v0.0.1%2Bincompatible',
      'linux/amd64 pkg:golang/k8s.io/api@v0.34.4',
      'linux/amd64 pkg:golang/./staging/local',
      'linux/amd64 pkg:oci/db@DIGEST',
      'linux/amd64 pkg:oci/web@DIGEST',
      'linux/arm64 pkg:oci/app@DIGEST',
      'linux/arm64 pkg:oci/db@DIGEST',
      'linux/arm64 pkg:oci/web@DIGEST',
    ],
  )
  const [kubelet] = named(bom, 'kubelet')
  assert.equal(kubelet?.licenses, [{ expression: 'Apache-2.0' }])
  assert.equal(kubelet?.properties?.[1], { name: 'io.sealer:source', value: 'built' })
  assert.equal(named(bom, 'iptables')[0]?.licenses, [{ license: { name: 'see usr/share/doc/iptables/copyright' } }])
  assert.equal(named(bom, 'k8s.io/api')[0]?.evidence?.occurrences, [
    { location: 'bin/kubelet' },
    { location: 'sbin/kubelet-copy' },
  ])
  const [web] = named(bom, 'docker.io/library/web')
  assert.match(web?.purl ?? '', '?arch=amd64&repository_url=docker.io/library/web&tag=v1')
  assert.ok(web?.properties?.some(({ value }) => value === 'manifests/web.yaml:12'))
})

test('every reference of the graph is that of one component, and everything can be reached from the image', async () => {
  await using folder = await temporaryFolder()
  const { sealer } = await machine(folder.path)
  const bom = parse((await sealer.images.sbom('team/app:v1')).document)
  const refs = ['image', ...bom.components.map((one) => one['bom-ref'] ?? '')]
  assert.is(new Set(refs).size, refs.length)
  const reached = new Set(['image', ...bom.dependencies.flatMap(({ dependsOn }) => dependsOn)])
  assert.equal([...reached].sort(), [...refs].sort())
})

test('the same image gives the same bytes, on another machine too', async () => {
  await using folder = await temporaryFolder()
  const [here, there] = [await machine(join(folder.path, 'a')), await machine(join(folder.path, 'b'))]
  const { document } = await here.sealer.images.sbom('team/app:v1')
  assert.is((await here.sealer.images.sbom('team/app:v1')).document, document)
  assert.is((await there.sealer.images.sbom('team/app:v1')).document, document)
})

test('attached, it is a referrer that travels in archives and goes with the image', async () => {
  await using folder = await temporaryFolder()
  const { sealer, store, digest } = await machine(join(folder.path, 'a'))
  const { attached, document } = await sealer.images.sbom('team/app:v1', { attach: true })
  await sealer.images.sbom('team/app:v1', { attach: true }) // once is enough
  const manifest = JSON.parse((await store.blobs.read(attached ?? '')).toString())
  assert.is(manifest.artifactType, 'application/vnd.cyclonedx+json')
  assert.equal(manifest.subject, { mediaType: mediaTypes.index, digest, size: await store.blobs.size(digest) })

  const archive = join(folder.path, 'app.tar')
  await sealer.images.save('team/app:v1', archive)
  const other = join(folder.path, 'b')
  await createSealer({ home: other }).images.load(archive)
  const [found, ...more] = await storeOf(other, systemClock).attachments(digest)
  assert.equal([found?.digest, found?.type, more.length], [attached, 'application/vnd.cyclonedx+json', 0])
  const [blob] = manifest.layers
  assert.is((await storeOf(other, systemClock).blobs.read(blob.digest)).toString(), document)
})

test('packages that are not installed are none', () => {
  assert.equal(
    debianPackages(status).map(({ name }) => name),
    ['libc6'],
  )
  assert.equal(
    alpinePackages(installed).map(({ name, licence }) => `${name} ${licence}`),
    ['musl MIT', 'busybox GPL-2.0-only'],
  )
})

test('no bytes make a reader of build information or packages fail', () => {
  const start = program.subarray(program.lastIndexOf('\xff Go buildinf:', undefined, 'latin1')).subarray(0, 600)
  const damaged = fc
    .tuple(fc.nat(start.length), fc.uint8Array({ maxLength: 40 }))
    .map(([at, bytes]) => Buffer.concat([start.subarray(0, at), bytes, start.subarray(at + bytes.length)]))
  fc.assert(
    fc.property(
      fc.oneof(
        damaged,
        fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      ),
      (bytes) => {
        readBuildInfo(bytes)
        const finder = new GoBuildInfoFinder()
        for (let at = 0; at < bytes.length; at += 7) finder.take(bytes.subarray(at, at + 7))
        finder.result()
        debianPackages(bytes.toString('latin1'))
        alpinePackages(bytes.toString('latin1'))
      },
    ),
  )
  assert.equal(debianPackages('__proto__: x\nPackage: a\nVersion: 1\n').length, 1)
  assert.is(debianPackages('Package: a\nVersion: 1\n\n'.repeat(10)).length, 10)
})

test.run()

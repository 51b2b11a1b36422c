import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ImageRecipe } from './oci-layout.ts'
import { writeLayout } from './oci-layout.ts'
import type { Arch } from './platform.ts'
import { programsIn } from './programs-in.ts'

const test = suite('programs-in')
const context = await mkdtemp(join(tmpdir(), 'context-'))
test.after(() => rm(context, { recursive: true }))

/** The first bytes of a program: 62 is x86-64, 183 is ARM64. */
function program(machine: number): Buffer {
  const file = Buffer.alloc(64)
  file.write('\x7fELF\x02\x01\x01', 0, 'latin1')
  file.writeUInt16LE(machine, 18)
  return file
}

test('programs are found in folders and in container images, for one architecture', async () => {
  await mkdir(join(context, 'cni/bin/arm64'), { recursive: true })
  await mkdir(join(context, 'bin/arm64'), { recursive: true })
  await writeFile(join(context, 'bin/arm64/kubeadm'), program(183))
  await writeFile(join(context, 'bin/arm64/wrong'), program(62))
  await writeFile(join(context, 'cni/bin/arm64/flannel'), '#!/bin/sh\n'.padEnd(100))
  await cp(join(context, 'bin/arm64/wrong'), join(context, 'x86'))
  const recipe = (source: string): ImageRecipe => ({
    name: 'sealer.example/a:1',
    layers: [{ 'usr/bin/a': { kind: 'file', source: join(context, source), mode: 0o755 } }],
  })
  const recipes = new Map<Arch, readonly ImageRecipe[]>([
    ['amd64', [recipe('x86')]],
    ['arm64', [recipe('bin/arm64/kubeadm')]],
  ])
  await writeLayout(join(context, 'images'), recipes)
  assert.equal(
    (await programsIn(context, 'arm64')).sort((a, b) => (a.path < b.path ? -1 : 1)),
    [
      { path: 'bin/arm64/kubeadm', machine: 'arm64' },
      { path: 'bin/arm64/wrong', machine: 'amd64' },
      { path: 'sealer.example/a:1: usr/bin/a', machine: 'arm64' },
    ],
  )
})

test.run()

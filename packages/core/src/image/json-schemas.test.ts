import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { z } from 'zod'
import { workplace } from '../lifecycles/build.test.support.ts'
import { closureOf } from './closure.ts'
import { mediaTypes } from './oci.ts'
import { amd64, arm64 } from './small-images.test.support.ts'

const test = suite('json-schemas')
const folder = join(import.meta.dirname, '../../../../docs/design/schemas')
const schemaOf = (name: string) => z.fromJSONSchema(JSON.parse(readFileSync(join(folder, name), 'utf8')))
const [config, list] = [schemaOf('cluster-config.json'), schemaOf('cluster-images.json')]

const kubefile = `FROM scratch
LABEL cluster.alpha.sealer.io/cluster-runtime-type=k3s
KUBEVERSION >=1.33
ENV A=1
COPY ops bin
APP shell local://bin/run.sh
APP web local://web.yaml
APPENV web B=2
CNI net local://web.yaml
LAUNCH ["shell"]
`
const pod = 'apiVersion: v1\nkind: Pod\nmetadata: { name: web }\nspec: { containers: [{ name: a }] }\n'

test('what a build writes is what the schemas of the documentation say', async () => {
  await using place = await workplace({ Kubefile: kubefile, 'ops/x': 'x', 'bin/run.sh': 'echo', 'web.yaml': pod })
  const { digest } = await place.build({ platforms: [amd64, arm64] })
  const seen: string[] = []
  const { here } = await closureOf(place.store.blobs, await place.store.find(digest), 'app')
  for (const blob of here.values()) {
    const schema = { [mediaTypes.clusterConfig]: config, [mediaTypes.clusterImages]: list }[blob.mediaType]
    if (schema === undefined) continue
    const document = JSON.parse(String(await place.store.blobs.read(blob.digest)))
    assert.equal(schema.safeParse(document).error?.issues ?? [], [])
    assert.not(schema.safeParse({ ...document, more: 1 }).success, 'an unknown field is refused')
    const { platform: _platform, ...without } = document
    assert.not(schema.safeParse(without).success, 'a field that is missing is refused')
    seen.push(blob.mediaType)
  }
  assert.equal(seen.sort(), [
    mediaTypes.clusterConfig,
    mediaTypes.clusterConfig,
    mediaTypes.clusterImages,
    mediaTypes.clusterImages,
  ])
})

test.run()

import { readFile } from 'node:fs/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Plugin } from '../plugin.ts'
import { workplace } from './build.test.support.ts'

const test = suite('a reader of a site')

// #region reader
/** A vendor lists the images of an appliance in `images.properties`: `web=quay.io/acme/web:1.4`. */
export function applianceImages(): Plugin {
  return {
    name: 'appliance-images',
    apply({ hooks }) {
      hooks.build.readers.tapPromise('appliance-images', async (readers) => [
        ...readers,
        {
          name: 'appliance',
          claim: (files) =>
            files
              .filter(({ path }) => path.endsWith('/images.properties'))
              .map((file) => ({ path: file.path, files: [file] })),
          read: async ({ path, files }) => {
            const text = await readFile(files[0]?.source ?? '', 'utf8')
            const lines = text
              .split('\n')
              .map((line, index) => ({ name: line.split('=')[1], place: `${path}:${index + 1}` }))
            return {
              images: lines.flatMap(({ name, place }) =>
                name === undefined ? [] : [{ reference: name.trim(), place }],
              ),
              doubts: [],
            }
          },
        },
      ])
    },
  }
}
// #endregion

test('reads a format of its own, before the built-in readers', async () => {
  await using place = await workplace({
    'app/images.properties': '# ours\nweb=quay.io/acme/web:1.4\n',
    Kubefile: 'FROM scratch\nCOPY app manifests/app\n',
  })
  applianceImages().apply({ hooks: place.hooks })
  const seen: unknown[] = []
  place.hooks.build.images.tapPromise('test', async (images) => {
    seen.push(...images)
    return []
  })
  await place.build()
  assert.equal(seen, [{ reference: 'quay.io/acme/web:1.4', apps: [], reasons: ['manifests/app/images.properties:2'] }])
})

// #region rules
/** Queues name the image of their broker, and their version stands for another one. */
export function queueImages(): Plugin {
  return {
    name: 'queue-images',
    apply({ hooks }) {
      hooks.build.rules.tapPromise('queue-images', async (rules) => [
        ...rules,
        {
          group: 'queues.example.test',
          kinds: ['Queue'],
          images: ['spec.broker', 'quay.io/example/queue:{spec.version}'],
        },
      ])
    },
  }
}
// #endregion

test('rules come with a plugin', async () => {
  await using place = await workplace({
    'queue.yaml': 'apiVersion: queues.example.test/v1\nkind: Queue\nspec: {broker: rabbitmq, version: 1.2}\n',
    Kubefile: 'FROM scratch\nCOPY queue.yaml manifests/\n',
  })
  queueImages().apply({ hooks: place.hooks })
  const seen: string[] = []
  place.hooks.build.images.tapPromise('test', async (images) => {
    seen.push(...images.map(({ reference }) => reference))
    return []
  })
  await place.build()
  assert.equal(seen, ['docker.io/library/rabbitmq:latest', 'quay.io/example/queue:1.2'])
})

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SealerError } from '../errors.ts'
import { namedRoots } from './archive-names.ts'
import type { BlobDescriptor } from './cluster-config.ts'
import { annotations, mediaTypes } from './oci.ts'

const test = suite('archive names')

const entry = (letter: string, name?: string, mediaType: string = mediaTypes.index): BlobDescriptor => ({
  mediaType,
  digest: `sha256:${letter.repeat(64)}`,
  size: 1,
  ...(name !== undefined && { annotations: { [annotations.refName]: name } }),
})
const [part, app, shop] = [
  entry('c', undefined, mediaTypes.manifest),
  entry('a', 'docker.io/library/app:v1'),
  entry('b', 'quay.io/shop:v1'),
]
const namesOf = (roots: readonly BlobDescriptor[], name?: string) =>
  [...namedRoots(roots, 'x.tar', name)].map(([own, all]) => [own, ...all.map(({ digest }) => digest.at(-1))].join(' '))
const reasonOf = (roots: readonly BlobDescriptor[], name?: string): string => {
  try {
    return namesOf(roots, name).join()
  } catch (error) {
    return SealerError.is(error) ? error.message : String(error)
  }
}

test('each image has its full name; parts that are listed beside it are none', () => {
  assert.equal(namesOf([app, part, shop, entry('a')]), ['docker.io/library/app:v1 a', 'quay.io/shop:v1 b'])
})

test('manifests under one name are the platforms of an image of sealer 0.11', () => {
  const manifests = ['a', 'b'].map((letter) => entry(letter, 'docker.io/library/old:v1', mediaTypes.manifest))
  assert.equal(namesOf(manifests), ['docker.io/library/old:v1 a b'])
  assert.equal(namesOf(manifests, 'x:1'), ['x:1 a b'])
})

test('one image gets the name that is given, whatever name it has', () => {
  assert.equal(namesOf([app, part], 'x:1'), ['x:1 a'])
  assert.equal(namesOf([entry('a', 'v1'), entry('a')], 'x:1'), ['x:1 a'])
})

test('what has no name, and several for one name, are refused', () => {
  assert.match(reasonOf([]), 'there is no image in it')
  assert.match(reasonOf([app, shop], 'x:1'), 'it holds 2 images, which cannot all be named x:1')
  assert.match(reasonOf([entry('a', 'v1')]), /sha256:a+ has no full name; give it one with: sealer load -t NAME/)
  assert.match(reasonOf([app, entry('b')]), /sha256:b+ has no full name/)
})

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../testing/rejection.ts'
import { Turns } from './turns.ts'

const test = suite('turns')
const turn = () => new Promise(setImmediate)

test('who comes when all turns are taken waits in line', async () => {
  const turns = new Turns(1)
  const entered: string[] = []
  const first = await turns.take()
  const others = ['a', 'b'].map((name) =>
    turns.take().then((done) => {
      entered.push(name)
      done()
    }),
  )
  await turn()
  assert.equal(entered, [])
  first()
  await Promise.all(others)
  assert.equal(entered, ['a', 'b'])
})

test('a turn ends once, whoever says so again', async () => {
  const turns = new Turns(1)
  const done = await turns.take()
  done()
  done()
  await turns.take()
  const third = turns.take().then(() => 'entered')
  assert.is(await Promise.race([third, turn().then(() => 'waits')]), 'waits')
})

test('an abort leaves the line, and those behind move up', async () => {
  const turns = new Turns(1)
  const stop = new AbortController()
  const first = await turns.take()
  const leaves = rejection(turns.take(stop.signal))
  const stays = turns.take()
  stop.abort(new Error('enough'))
  assert.is((await leaves).message, 'enough')
  first()
  ;(await stays)()
})

test.run()

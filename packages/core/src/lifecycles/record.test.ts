import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { rejection } from '../testing/rejection.ts'
import { clusterRecords } from './record.ts'

const test = suite('record')
const home = mkdtempSync(join(tmpdir(), 'sealer-record-'))
test.after(() => rmSync(home, { recursive: true }))

test('a cluster that was only planned is not known', async () => {
  mkdirSync(join(home, 'clusters/lab/pki'), { recursive: true })
  const records = clusterRecords(home)
  assert.equal(await records.list(), [])
  assert.match((await rejection(records.get('lab'))).message, /named "lab"\. Known here: none\./)
})

test.run()

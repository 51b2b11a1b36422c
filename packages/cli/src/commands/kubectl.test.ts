import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Sealer } from '@sealer/core'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fakeContext, type } from '../fakes.test.support.ts'

const test = suite('sealer kubectl')
const folder = mkdtempSync(join(tmpdir(), 'sealer-kubectl-'))
test.after(() => rmSync(folder, { recursive: true }))

interface Asked {
  cluster?: string
  argv?: readonly string[]
  input?: string | undefined
}

const answering = (asked: Asked, exitCode = 0) =>
  fakeContext(
    {
      exec: async (cluster, argv, { input, onOutput }) => {
        Object.assign(asked, { cluster, argv, input: input === undefined ? undefined : await text(input) })
        onOutput(Buffer.from('pods\n'), 'stdout')
        onOutput(Buffer.from('hmm\n'), 'stderr')
        return exitCode
      },
    },
    { stdin: 'from here' },
  )

test('everything is passed on, and streams and exit code come back', async () => {
  const asked: Asked = {}
  const context = answering(asked, 3)
  assert.is(await type('kubectl get pods -A --output=wide -c x --help', context), 3)
  assert.equal(asked.argv, ['kubectl', 'get', 'pods', '-A', '--output=wide', '-c', 'x', '--help'])
  assert.equal([context.out(), context.err(), asked.cluster, asked.input], ['pods\n', 'hmm\n', 'lab', undefined])
})

test('options of kubectl may stand first', async () => {
  const asked: Asked = {}
  await type('kubectl --cluster prod -n kube-system get pods', answering(asked))
  assert.equal([asked.cluster, asked.argv], ['prod', ['kubectl', '-n', 'kube-system', 'get', 'pods']])
})

test('files of this machine are sent along', async () => {
  const asked: Asked = {}
  writeFileSync(join(folder, 'a.yaml'), 'kind: A\n')
  writeFileSync(join(folder, 'b.yaml'), 'kind: B\n')
  await type(`kubectl apply -f ${folder}/a.yaml --filename=${folder}/b.yaml -f /on/the/host`, answering(asked))
  assert.equal(asked.argv, ['kubectl', 'apply', '-f', '-', '-f', '/on/the/host'])
  assert.is(asked.input, 'kind: A\n\n---\nkind: B\n')
})

test('standard input is sent where it is asked for', async () => {
  const asked: Asked = {}
  await type('kubectl apply -f -', answering(asked))
  assert.is(asked.input, 'from here')
})

test('-f of logs is no file', async () => {
  const asked: Asked = {}
  writeFileSync(join(folder, 'web'), '')
  await type(`kubectl logs -f ${folder}/web`, answering(asked))
  assert.equal(asked.argv, ['kubectl', 'logs', '-f', `${folder}/web`])
})

test('who sits at a terminal gets one there, for what asks for it', async () => {
  const modes: boolean[] = []
  const window = {
    ...{ type: 'xterm', size: () => ({ columns: 80, rows: 24 }), onResize: () => () => {} },
    raw: (on: boolean) => void modes.push(on),
  }
  const given: unknown[] = []
  const exec: Sealer['exec'] = async (_, __, { terminal }) => {
    given.push(terminal?.type)
    assert.equal(modes.at(-1) ?? false, false, 'while it connects, Ctrl-C stops it')
    terminal?.begins?.()
    return 0
  }
  for (const line of ['exec -it web -- sh', 'edit deployment web', 'get pods', 'exec web -- tar -t']) {
    const context = fakeContext({ exec })
    await type(`kubectl ${line}`, { ...context, terminal: { ...context.terminal, window } })
  }
  assert.equal(given, ['xterm', 'xterm', undefined, undefined])
  assert.equal(modes, [true, false, true, false])
})

const kubeconfig = 'clusters: [{name: k, cluster: {server: s}}]\nusers: [{name: u, user: {token: t}}]\n'

test('the kubeconfig is printed, and no file is touched', async () => {
  const context = fakeContext({ kubeconfig: async () => kubeconfig })
  assert.is(await type('kubeconfig lab', context), 0)
  assert.is(context.out(), kubeconfig)
})

test('merged, it is readable for its owner alone', async () => {
  const file = join(folder, 'deep/config')
  const context = fakeContext({ kubeconfig: async () => kubeconfig })
  assert.is(await type(`kubeconfig lab --merge ${file}`, context), 0, context.err())
  assert.match(readFileSync(file, 'utf8'), 'current-context: lab')
  assert.is(statSync(file).mode & 0o777, 0o600)
})

test.run()

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SealerError } from '../errors.ts'
import { clusterConfig } from '../image/small-images.test.support.ts'
import type { RunInput } from '../sandbox/runner.ts'
import { rejection } from '../testing/rejection.ts'
import { baseOf, unusedArguments } from './arguments.ts'
import {
  type DraftingOptions,
  draftOf,
  everyKindOfFile,
  filesOf,
  listening,
  temporaryContext,
} from './kubefiles.test.support.ts'
import { parseKubefile } from './parse.ts'

const test = suite('draft of an image')
const amd64 = { os: 'linux', architecture: 'amd64' }
const arm64 = { os: 'linux', architecture: 'arm64' }

const everything = temporaryContext(everyKindOfFile)
test.after(async () => (await everything)[Symbol.asyncDispose]())

const drafted = async (instructions: string, options: DraftingOptions = {}) =>
  draftOf(await everything, instructions, options)
const refusal = async (instructions: string, options: DraftingOptions = {}) =>
  rejection<SealerError>(draftOf(await everything, instructions, options))
const refused = (name: string, instructions: string, reason: RegExp, remedy: RegExp) =>
  test(`${name} is refused`, async () => {
    const error = await refusal(instructions)
    assert.is(error.code, 'KUBEFILE_INVALID')
    assert.match(error.message, reason)
    assert.match(error.hint, remedy)
  })

test('files of an app are launched in the order of its sources', async () => {
  const { apps, launch } = await drafted('APP web local://deploy/web.yaml local://deploy/svc.yml\nLAUNCH web')
  assert.equal(apps, [{ name: 'web', type: 'kube', files: ['web.yaml', 'svc.yml'] }])
  assert.equal(launch, ['web'])
})

test('the content of a folder is the app, in lexical order', async () => {
  const draft = await drafted('APP web local://deploy\nLAUNCH ["web"]')
  assert.equal(draft.apps[0]?.files, ['20/db.yaml', 'svc.yml', 'web.yaml'])
  assert.equal(filesOf(draft), [
    ['application/apps/web/20/db.yaml', 'application/apps/web/svc.yml', 'application/apps/web/web.yaml'],
  ])
})

test('a folder with Chart.yaml is a chart', async () => {
  const { apps } = await drafted('APP cache local://chart/cache\nLAUNCH cache')
  assert.equal(apps, [{ name: 'cache', type: 'helm', files: ['.'] }])
})

test('a folder with a kustomization is applied as such; with some below it needs commands', async () => {
  await using context = await temporaryContext({
    'web/kustomization.yaml': 'resources: [web.yaml]',
    'web/web.yaml': '',
    'web/notes.txt': '',
    'tree/base/kustomization.yaml': '',
  })
  const { apps } = await draftOf(
    context,
    'APP web local://web\nAPP tree local://tree\nAPPCMDS tree ["kubectl apply -k base"]',
  )
  assert.equal(
    apps.map(({ type, files }) => [type, ...files]),
    [['kube', 'kustomization.yaml'], ['other']],
  )
  const error = await rejection<SealerError>(draftOf(context, 'APP tree local://tree'))
  assert.match(error.hint, /\["kubectl apply -k base"\]/)
})

test('of shell scripts those of the first source are run', async () => {
  const draft = await drafted('APP ops local://ops local://assets\nLAUNCH ops')
  assert.equal(draft.apps, [{ name: 'ops', type: 'shell', files: ['a.sh', 'z.sh'] }])
  assert.ok(filesOf(draft)[0]?.includes('application/apps/ops/run.sh'))
})

for (const instruction of ['APPCMDS mix ', 'appcmds  mix ']) {
  test(`${instruction}joins its strings into one command`, async () => {
    const { apps } = await drafted(`APP mix local://mixed\n${instruction}["bash","install.sh","--level 3"]\nLAUNCH mix`)
    assert.equal(apps, [{ name: 'mix', type: 'other', files: [], cmds: ['bash install.sh --level 3'] }])
  })
}

test('an app over several lines is one app', async () => {
  const { apps } = await drafted('APP web \\\n# note\nlocal://deploy/web.yaml \\\nlocal://deploy/svc.yml')
  assert.equal(apps[0]?.files, ['web.yaml', 'svc.yml'])
})

test('a CNI app has its label, a Kubernetes range its own, and nothing is launched', async () => {
  const draft = await drafted('CNI flannel local://net.yaml\nKUBEVERSION >=1.26 <1.30')
  assert.equal(draft.apps, [{ name: 'flannel', type: 'kube', files: ['net.yaml'], kind: 'cni' }])
  assert.equal(draft.labels, {
    'cluster.alpha.sealer.io/kube-cni-flannel': 'true',
    'app.alpha.sealer.io/supported-kube-version': '>=1.26 <1.30',
  })
  assert.is(draft.kubernetes, '>=1.26 <1.30')
  assert.equal(draft.launch, [])
})

test('a CNI app in LAUNCH is launched before all others anyway', async () => {
  assert.equal((await drafted('CNI net local://net.yaml\nAPP web local://deploy\nLAUNCH net web')).launch, ['web'])
})

refused(
  'a chart in a folder of the source',
  'APP cache local://chart',
  /not at the top of its folder but in cache/,
  /local:\/\/chart\/cache/,
)
refused('a mixture of files without APPCMDS', 'APP mix local://mixed\nLAUNCH mix', /How mix is launched/, /APPCMDS mix/)
refused(
  'an app of the same name',
  'APP web local://deploy\nAPP web local://net.yaml',
  /already, in line 2/,
  /another name/,
)
refused('a name that is a path', 'APP ../../etc local://deploy', /cannot be the name/, /letters/)
refused('a name with a slash', 'APP a/b local://deploy', /cannot be the name/, /letters/)
refused('another scheme', 'APP web helm://x/y', /no source of an app/, /local:\/\/PATH/)
refused('a source without scheme', 'APP web deploy', /no source of an app/, /local:\/\/PATH/)
refused('a pattern in an app', 'APP web local://deploy/*.yaml', /Patterns are not allowed/, /Name each file/)
refused('a missing source', 'APP web local://nosuch.yaml', /nosuch\.yaml is not in the build context/, /context is/)
refused(
  'one name from two sources',
  'APP web local://deploy local://deploy/web.yaml',
  /web\.yaml comes from two sources/,
  /another name/,
)
refused('APPCMDS of an unknown app', 'APPCMDS web ["a"]', /no app web/, /APP web local/)
refused(
  'APPENV before its app',
  'APPENV web P=80\nAPP web local://deploy',
  /no app web at this place/,
  /known here: none/,
)
refused('LAUNCH of an unknown app', 'APP web local://deploy\nLAUNCH db', /no app db/, /known here: web/)
refused('LAUNCH with a comma', 'APP web local://deploy\nLAUNCH web,db', /no app web,db/, /by blanks/)
refused('LAUNCH of one app twice', 'APP web local://deploy\nLAUNCH web web', /launched twice/, /once/)
refused('a Kubernetes range that is none', 'KUBEVERSION latest greatest', /not a range/, />=1\.26/)

test('texts of the Kubefile become files', async () => {
  const draft = await drafted(`ENV WHO=you
COPY --chmod=0750 <<EOT etc/motd
hello "$WHO" \\$WHO \\d
EOT
COPY net.yaml <<a.conf <<-'b.conf' etc/
one
a.conf
\t$two
\tb.conf`)
  assert.equal(filesOf(draft), [['etc/motd'], ['etc/net.yaml', 'etc/a.conf', 'etc/b.conf']])
  const files = draft.layers.flatMap(({ entries }) =>
    entries.flatMap((entry) => (entry.kind === 'file' ? [entry] : [])),
  )
  const text = (path: string) => readFile(files.find((file) => file.path === path)?.source ?? '', 'utf8')
  assert.is(await text('etc/motd'), 'hello "you" $WHO \\d\n')
  assert.is(await text('etc/a.conf'), 'one\n')
  assert.is(await text('etc/b.conf'), '$two\n')
  assert.is(files[0]?.mode, 0o750)
  assert.is(draft.layers[1]?.createdBy, 'COPY net.yaml <<a.conf <<b.conf etc/')
})

test('a variable inside a text is told with its place', async () => {
  const error = await refusal('COPY <<-EOT x\n\tone\n\ttwo $NOSUCH\n\tEOT')
  assert.match(error.message, /^Kubefile:4:6: The variable NOSUCH is not declared/)
})

test('RUN is told the layers before it and the variables at its place; without changes it makes no layer', async () => {
  const inputs: RunInput[] = []
  const { layers } = await drafted(
    'ARG A=1\nENV B=2\nCOPY net.yaml a\nRUN echo\nARG C=3\nENV A=4\nRUN --network=none ["x"]',
    {
      run: async (input) => {
        inputs.push(input)
        return inputs.length > 1 ? [] : [{ kind: 'whiteout', path: 'a', mode: 0o644, owner: { uid: 0, gid: 0 } }]
      },
    },
  )
  assert.equal(
    inputs.map(({ environment, network, layers }) => [environment, network, layers.length]),
    [
      [{ A: '1', B: '2' }, 'default', 1],
      [{ A: '4', B: '2', C: '3' }, 'none', 2],
    ],
  )
  assert.equal(
    layers.map(({ createdBy }) => createdBy),
    ['COPY net.yaml a', 'RUN echo'],
  )
})

test('a folder that a command has removed is no folder any more', async () => {
  const run = async () => [{ kind: 'whiteout', path: 'd', mode: 0o644, owner: { uid: 0, gid: 0 } } as const]
  const draft = await drafted('COPY net.yaml d/\nRUN rm -r d\nCOPY net.yaml d', { run })
  assert.equal(filesOf(draft), [['d/net.yaml'], ['d'], ['d']])
})

test('COPY --from takes files of an image', async () => {
  await using image = await temporaryContext({ 'usr/bin/tool': 'x' })
  const asked: string[][] = []
  const imageFiles = async (...question: string[]) => {
    asked.push(question)
    return image.context
  }
  const draft = await drafted('ARG V=1\nCOPY --from=tools:$V /usr/bin/* bin/', { imageFiles })
  assert.equal(asked, [['tools:1', 'Kubefile:3']])
  assert.equal([filesOf(draft), draft.layers[0]?.createdBy], [[['bin/tool']], 'COPY --from=tools:1 /usr/bin/* bin/'])
})

test('a file that an image lacks is told with its place', async () => {
  const error = await refusal('COPY --from=tools:1 /nosuch bin/')
  assert.match(error.message, /^Kubefile:2:21: nosuch is not in/)
})

test('ENV groups by quotes and has an old form', async () => {
  const { env } = await drafted('ENV A=1 B="two words"\nENV C plain text\nENV A=2')
  assert.equal(env, { A: '2', B: 'two words', C: 'plain text' })
})

test('env of an app: the last one wins', async () => {
  const { apps } = await drafted('APP web local://deploy\nAPPENV web P=80 N="x y"\nAPPENV web P=81')
  assert.equal(apps[0]?.env, { P: '81', N: 'x y' })
})

test('several sources of COPY go into the target', async () => {
  const draft = await drafted('COPY deploy ops manifests/')
  assert.equal(filesOf(draft), [
    ['manifests/20/db.yaml', 'manifests/svc.yml', 'manifests/web.yaml', 'manifests/a.sh', 'manifests/z.sh'],
  ])
})

test('ARCH is the platform that is built for', async () => {
  for (const platform of [amd64, arm64]) {
    const { layers } = await drafted('COPY bin/${ARCH}/tool bin/', { platform })
    const file = layers[0]?.entries.find(({ path }) => path === 'bin/tool')
    assert.ok(file?.kind === 'file' && file.source.endsWith(`bin/${platform.architecture}/tool`))
  }
})

const places: [copy: string, files: string[]][] = [
  ['COPY net.yaml etc/', ['etc/net.yaml']],
  ['COPY net.yaml etc/x.yaml', ['etc/x.yaml']],
  ['COPY net.yaml .', ['net.yaml']],
  ['COPY net.yaml /', ['net.yaml']],
  ['COPY ./net.yaml ./a/../b', ['b']],
  ['COPY /ops etc', ['etc/a.sh', 'etc/z.sh']],
  ['COPY ops/*.sh etc', ['etc/a.sh', 'etc/z.sh']],
  ['COPY o?s/[a-m].sh etc/', ['etc/a.sh']],
  ['COPY ["net.yaml", "two words"]', ['two words']],
  ['ADD net.yaml etc/', ['etc/net.yaml']],
]
for (const [copy, files] of places) {
  test(`${copy} makes ${files.join(', ')}`, async () => {
    assert.equal(filesOf(await drafted(copy)), [files])
  })
}

test('a file copied onto a folder of this image goes into it', async () => {
  assert.equal(filesOf(await drafted('COPY ops etc\nCOPY net.yaml etc'))[1], ['etc/net.yaml'])
})

test('modes are those of the context, owners root, both as told', async () => {
  await using context = await temporaryContext()
  await context.write('run.sh', 'echo', 0o750)
  const entry = async (flags: string) => (await draftOf(context, `COPY ${flags} run.sh run.sh`)).layers[0]?.entries[0]
  assert.is((await entry(''))?.mode, 0o750)
  assert.equal((await entry(''))?.owner, { uid: 0, gid: 0 })
  assert.is((await entry('--chmod=0644'))?.mode, 0o644)
  assert.is((await entry('--chmod=u=rwX,go=rX'))?.mode, 0o755)
  assert.equal((await entry('--chown=10:20'))?.owner, { uid: 10, gid: 20 })
  assert.equal((await entry('--chown=10'))?.owner, { uid: 10, gid: 10 })
})

refused('a user by name', 'COPY --chown=nobody net.yaml x', /by number only/, /UID:GID/)
refused('an owner that is no number', 'COPY --chown=4294967295 net.yaml x', /no owner/, /UID:GID/)
refused('a mode that is none', 'COPY --chmod=u+y net.yaml x', /no mode/, /0755/)
refused('a missing file', 'COPY nosuch x', /nosuch is not in the build context/, /context is/)
refused('a pattern that matches nothing', 'COPY *.nosuch x/', /No file .* matches/, /context is/)
refused('a source above the context', 'COPY ../secret x', /outside of the build context/, /Copy the file/)
refused('a target above the image', 'COPY net.yaml ../x', /outside of the image/, /root of the image/)
refused('a URL for COPY', 'COPY https://example.test/x x', /build context only/, /ADD/)
refused('a checksum that is none', 'ADD --checksum=md5:1 net.yaml x', /not a checksum/, /sha256/)
refused('an undeclared variable', 'COPY $NOSUCH x', /NOSUCH is not declared/, /ARG NOSUCH/)

test('ADD checks a file of the context too', async () => {
  const error = await refusal(`ADD --checksum=sha256:${'0'.repeat(64)} net.yaml x`)
  assert.match(error.message, /net\.yaml is sha256:[0-9a-f]{64}, not sha256:000/)
})

test('build arguments win over defaults, ENV over both', async () => {
  const instructions = 'ARG A=default B\nLABEL a=$A b=.$B\nENV A=env\nLABEL c=$A'
  assert.equal((await drafted(instructions)).labels, { a: 'default', b: '.', c: 'env' })
  assert.equal((await drafted(instructions, { buildArgs: { A: '1', B: '2' } })).labels, { a: '1', b: '.2', c: 'env' })
})

test('FROM knows the arguments before it', () => {
  const kubefile = parseKubefile('ARG BASE=kube TAG\nFROM ${BASE}:v1-$ARCH')
  assert.is(baseOf(kubefile, arm64, {}), 'kube:v1-arm64')
  assert.is(baseOf(kubefile, arm64, { BASE: 'scratch' }), 'scratch:v1-arm64')
  assert.is(baseOf(parseKubefile('FROM scratch'), arm64, {}), undefined)
  assert.is(baseOf(parseKubefile('FROM --platform=$TARGETPLATFORM kube'), arm64, {}), 'kube')
  assert.throws(
    () => baseOf(parseKubefile('FROM --platform=linux/amd64 kube'), arm64, {}),
    /base would be for linux\/amd64/,
  )
  assert.equal(unusedArguments(kubefile, { BASE: 'x', TAGG: 'y' }), ['TAGG'])
})

test('env, labels and apps of the base are inherited, its launch is not', async () => {
  const logger = listening()
  const base = { ...clusterConfig(arm64), labels: { a: 'base' } }
  const draft = await drafted('FROM base\nENV OWN=1\nAPPENV web P=1', { base, logger })
  assert.equal(draft.env, { GREETING: 'hello', OWN: '1' })
  assert.equal(draft.labels, { a: 'base' })
  assert.equal(draft.apps, [{ name: 'web', type: 'kube', files: ['web.yaml'], env: { P: '1' } }])
  assert.equal(draft.launch, [])
  assert.equal(logger.warnings, [
    'Kubefile:1: the base launches web, this image nothing: LAUNCH and CMDS are not inherited.',
  ])
  assert.equal((await drafted('FROM base\nLAUNCH web', { base })).launch, ['web'])
})

test('an app of the base cannot be declared again', async () => {
  const error = await refusal('FROM base\nAPP web local://deploy', { base: clusterConfig(arm64) })
  assert.match(error.message, /There is an app web already, in the base image/)
})

test('what may be meant otherwise is told', async () => {
  const logger = listening()
  await drafted('CMD echo a, b', { logger })
  await drafted('APP mix local://mixed\nAPPCMDS mix ["kubectl get ns", "kubectl get pods"]', { logger })
  assert.is(logger.warnings.length, 2)
  assert.match(logger.warnings[0] ?? '', /Kubefile:2: a comma in CMD/)
  assert.match(logger.warnings[1] ?? '', /joined into one command/)
})

test('the sample of the reference page is built', async () => {
  await using context = await temporaryContext({
    imageList: 'oci:images\n',
    'bin/arm64/tool': 'tool',
    'chart/db/Chart.yaml': 'name: db\n',
    'deploy/shop.yaml': 'kind: Deployment\n',
    'deploy/ingress.yaml': 'kind: Ingress\n',
    'setup/install.sh': 'echo\n',
    'setup/notes.md': 'notes\n',
  })
  const text = await readFile(join(import.meta.dirname, 'testdata/Kubefile'), 'utf8')
  assert.is(baseOf(parseKubefile(text), arm64, {}), 'sealerio/kubernetes:v1.34.4')
  const draft = await draftOf(context, text.slice(text.indexOf('\nFROM') + 1).replace('${KUBERNETES}', 'v1'))
  assert.equal(draft.launch, ['db', 'shop', 'setup'])
  assert.equal(
    draft.apps.map(({ type }) => type),
    ['helm', 'kube', 'other'],
  )
  assert.is(draft.labels['org.opencontainers.image.title'], 'Shop of "Rose & Co"')
})

test('the author is kept as a label', async () => {
  assert.equal((await drafted('MAINTAINER Jo <jo@example.test>')).labels, {
    'org.opencontainers.image.authors': 'Jo <jo@example.test>',
  })
})

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SealerError } from '../errors.ts'
import type { Instruction } from './instructions.ts'
import { parseKubefile } from './parse.ts'

const test = suite('parse a Kubefile')
const parse = (...lines: string[]): readonly Instruction[] =>
  parseKubefile(['FROM scratch', ...lines].join('\n')).instructions
const refusal = (text: string): SealerError => {
  try {
    parseKubefile(text)
  } catch (error) {
    if (SealerError.is(error)) return error
    throw error
  }
  throw new Error(`nothing was refused in ${text}`)
}

test('every instruction is known, in any case of letters', () => {
  const kinds = parse(
    'ARG A=1',
    'copy a b/',
    'ADD https://example.test/x y',
    'Env A=1',
    'LABEL a=b',
    'MAINTAINER me',
    'CNI net local://net.yaml',
    'CSI disk local://disk.yaml',
    'APP web local://web',
    'APPENV web P=1',
    'APPCMDS web ["a"]',
    'KUBEVERSION >=1.26',
    'LAUNCH web',
  ).map(({ kind }) => kind)
  assert.is(kinds.join(' '), 'FROM ARG COPY ADD ENV LABEL MAINTAINER CNI CSI APP APPENV APPCMDS KUBEVERSION LAUNCH')
})

test('an instruction and its words know where they stand', () => {
  const [, app] = parse('APP web \\', '# note', '  local://deploy/web.yaml')
  assert.ok(app?.kind === 'APP')
  assert.equal(app.at, { file: 'Kubefile', line: 2, column: 1 })
  assert.equal(app.sources[0]?.at, { file: 'Kubefile', line: 4, column: 3 })
})

test('an error shows file, line, column, the line and what would be right', () => {
  const error = refusal('FROM scratch\n  COPY --bogus=1 a b\n')
  assert.is(error.code, 'KUBEFILE_INVALID')
  assert.is(error.message, 'Kubefile:2:8: COPY has no flag --bogus.\n  2 |   COPY --bogus=1 a b\n    |        ^')
  assert.is(error.hint, 'It knows --from=…, --chown=…, --chmod=….')
})

test('all problems are told at once', () => {
  const error = refusal('FROM scratch\nCOPPY a b\nWORKDIR /opt\nCMDS ls')
  assert.is(error.code, 'KUBEFILE_PROBLEMS')
  assert.equal(
    error.problems.map(({ message }) => message.split('\n')[0]),
    [
      'Kubefile:2:1: There is no instruction COPPY.',
      'Kubefile:3:1: WORKDIR is not an instruction of a Kubefile.',
      'Kubefile:4:6: CMDS takes a JSON array of whole commands.',
    ],
  )
})

test('of very many problems the first fifty are told', () => {
  assert.is(refusal(`FROM scratch\n${'X\n'.repeat(60)}`).problems.length, 50)
})

const refused: [kubefile: string, at: string, reason: RegExp, remedy: RegExp][] = [
  ['', '1:1', /has no FROM/, /FROM scratch/],
  ['# only a comment', '1:1', /has no FROM/, /FROM scratch/],
  ['ARG A=1', '1:1', /has no FROM/, /FROM scratch/],
  ['COPY a b', '1:1', /COPY stands before FROM/, /Begin with FROM/],
  ['FROM', '1:1', /needs an image/, /FROM scratch/],
  ['FROM a AS b', '1:8', /one image/, /COPY --from=IMAGE/],
  ['FROM scratch\nFROM a', '2:1', /second FROM/, /one base/],
  ['FROM --foo=bar scratch', '1:6', /no flag --foo/, /--platform/],
  ['FROM scratch\nRUN', '2:1', /needs a command/, /RUN COMMAND/],
  ['FROM scratch\nRUN --network=none', '2:1', /needs a command/, /RUN COMMAND/],
  ['FROM scratch\nRUN []', '2:5', /needs a program/, /RUN \["PROGRAM"/],
  ['FROM scratch\nRUN ["a", \'b\']', '2:5', /not a JSON array/, /double quotes/],
  ['FROM scratch\nRUN --network=host ls', '2:5', /own network/, /--network=none/],
  ['FROM scratch\nRUN --network=lan ls', '2:5', /default or none/, /--network=none/],
  ['FROM scratch\nRUN --mount=type=cache ls', '2:5', /no flag --mount/, /COPY what the command needs/],
  ['FROM scratch\nCOPY --link a b', '2:6', /no flag --link/, /Leave it out/],
  ['FROM scratch\nRUN <<EOT\nFOO', '2:5', /<<EOT never ends/, /Write EOT alone/],
  ['FROM scratch\nCOPY <<EOT\nhi\nEOT', '2:6', /source and a target/, /COPY SOURCE… TARGET/],
  ['FROM scratch\nCOPY --from=0 a b', '2:6', /one stage/, /--from=IMAGE/],
  ['FROM scratch\nCOPY --from=x <<EOT b\nEOT', '2:15', /files of that image/, /of its own/],
  ['FROM scratch\nCOPY --from= a b', '2:6', /--from needs a value/, /--from=VALUE/],
  ['FROM scratch\nCOPY --chmod=1 --chmod=2 a b', '2:16', /--chmod stands twice/, /once/],
  ['FROM scratch\nCOPY a', '2:6', /source and a target/, /COPY SOURCE… TARGET/],
  ['FROM scratch\nCOPY ["a", 1]', '2:6', /strings only/, /double quotes/],
  ["FROM scratch\nLAUNCH ['web']", '2:8', /not a JSON array/, /double quotes/],
  ['FROM scratch\nENTRYPOINT x', '2:1', /not an instruction/, /LAUNCH or CMDS/],
  ['FROM scratch\nENV A', '2:5', /A has no value/, /ENV A=VALUE/],
  ['FROM scratch\nENV A=1 B', '2:9', /no = in B/, /NAME="a b"/],
  ['FROM scratch\nLABEL =x', '2:7', /name is missing/, /NAME=VALUE/],
  ['FROM scratch\nARG 1A=1', '2:5', /not the name of a variable/, /letters/],
  ['FROM scratch\nAPP web', '2:5', /at least one source/, /local:\/\//],
  ['FROM scratch\nAPPCMDS', '2:1', /an app and a JSON array/, /APPCMDS APP/],
  ['FROM scratch\nAPPCMDS mix bash install.sh', '2:13', /JSON array/, /APPCMDS APP/],
  ['FROM scratch\nAPPCMDS mix []', '2:13', /not empty/, /APPCMDS APP/],
  ['FROM scratch\nKUBEVERSION', '2:1', /range of versions/, /KUBEVERSION/],
  ['FROM scratch\nCMD', '2:1', /needs a command/, /CMD kubectl/],
  ['FROM scratch\nCMD ["echo","json"]', '2:5', /not a JSON array/, /CMDS/],
  ['FROM scratch\nCMDS ["a", 1]', '2:6', /strings only/, /double quotes/],
  ['FROM scratch\nCMDS kubectl get ns', '2:6', /JSON array of whole commands/, /CMDS \[/],
  ['FROM scratch\nLAUNCH a\nLAUNCH a', '3:1', /LAUNCH stands for the second time/, /one LAUNCH/],
  ['FROM scratch\nCMD echo\nLAUNCH a', '3:1', /LAUNCH cannot stand beside CMD \(line 2\)/, /Choose one/],
  ['FROM scratch\nCMDS ["a"]\nCMD b', '3:1', /CMD cannot stand beside CMDS/, /Choose one/],
]
for (const [kubefile, at, reason, remedy] of refused) {
  test(`refused: ${JSON.stringify(kubefile)}`, () => {
    const error = refusal(kubefile)
    assert.match(error.message, new RegExp(`^Kubefile:${at}: `))
    assert.match(error.message, reason)
    assert.match(error.hint, remedy)
  })
}

test('a misspelt instruction is answered with the nearest one', () => {
  assert.is(refusal('FROM scratch\nLUNCH web').hint, 'Did you mean LAUNCH?')
  assert.match(refusal('FROM scratch\nHELLO web').hint, /^The instructions are FROM, /)
})

test('several CMD stand side by side', () => {
  const cmds = parse('CMD kubectl apply -f a.yaml', 'CMD echo "$HOME", b').flatMap((one) =>
    one.kind === 'CMD' ? [one.cmd] : [],
  )
  assert.equal(cmds, ['kubectl apply -f a.yaml', 'echo "$HOME", b'])
})

test('an empty LAUNCH names no app', () => {
  const [, launch] = parse('LAUNCH')
  assert.ok(launch?.kind === 'LAUNCH' && launch.apps.length === 0)
})

test('names of other things do not make an instruction', () => {
  assert.match(refusal('FROM scratch\nconstructor x').message, /There is no instruction constructor/)
  assert.match(refusal('FROM scratch\n__proto__ x').message, /There is no instruction __proto__/)
})

const commands: [run: string, command: object][] = [
  ['RUN echo "$A"  b', { shell: 'echo "$A"  b' }],
  ['RUN echo a \\\n  # note\n  && echo b', { shell: 'echo a   && echo b' }],
  ['RUN ["/bin/tool", "$A", "a\\tb"]', { argv: ['/bin/tool', '$A', 'a\tb'] }],
  ['RUN [ "tool" ]', { argv: ['tool'] }],
  ['RUN [ "$A" = b ] && echo b', { shell: '[ "$A" = b ] && echo b' }],
  ['RUN <<EOT\necho "$A"\necho b\nEOT', { shell: 'echo "$A"\necho b\n' }],
  ['RUN <<-EOT\n\techo a\n\tEOT', { shell: 'echo a\n' }],
  ["RUN <<'EOT'\n#!/usr/bin/env python3\nprint(1)\nEOT", { script: '#!/usr/bin/env python3\nprint(1)\n' }],
  ["RUN cat <<A - <<'B' > x\na\nA\n$b\nB", { shell: "cat <<A - <<'B' > x\na\nA\n$b\nB" }],
  ['RUN echo $((1 <<2)) "x <<EOT"', { shell: 'echo $((1 <<2)) "x <<EOT"' }],
  ['RUN cat <<<word', { shell: 'cat <<<word' }],
  ["RUN echo it's <<EOT", { shell: "echo it's <<EOT" }],
]
for (const [text, command] of commands) {
  test(`${JSON.stringify(text)} runs ${JSON.stringify(command)}`, () => {
    const [, run] = parse(text)
    assert.ok(run?.kind === 'RUN')
    assert.equal(run.command, command)
  })
}

test('a command has a network unless told otherwise', () => {
  const networks = parse('RUN a', 'RUN --network=none b', 'RUN --network=default c').flatMap((one) =>
    one.kind === 'RUN' ? [one.network] : [],
  )
  assert.equal(networks, ['default', 'none', 'default'])
})

test('texts are sources beside files, those of JSON are not', () => {
  const [, copy, json] = parse('COPY a <<"B" c/', '$x', 'B', 'COPY ["<<B", "c"]')
  assert.ok(copy?.kind === 'COPY' && json?.kind === 'COPY')
  assert.equal([copy.sources.map(({ raw }) => raw), copy.target.raw], [['a'], 'c/'])
  assert.equal(
    copy.texts.map(({ name, at, content }) => [name, at.column, content.parts]),
    [['B', 8, [{ text: '$x\n', quoted: true }]]],
  )
  assert.equal(json.sources[0]?.raw, '<<B')
})

test.run()

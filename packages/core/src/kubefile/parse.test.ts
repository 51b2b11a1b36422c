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
  assert.is(error.hint, 'It knows --chown=…, --chmod=….')
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

const refused: [kubefile: string, at: string, reason: RegExp, remedy: RegExp][] = [
  ['', '1:1', /has no FROM/, /FROM scratch/],
  ['# only a comment', '1:1', /has no FROM/, /FROM scratch/],
  ['ARG A=1', '1:1', /has no FROM/, /FROM scratch/],
  ['COPY a b', '1:1', /COPY stands before FROM/, /Begin with FROM/],
  ['FROM', '1:1', /needs an image/, /FROM scratch/],
  ['FROM a AS b', '1:8', /one image/, /not supported yet/],
  ['FROM scratch\nFROM a', '2:1', /second FROM/, /one base/],
  ['FROM --foo=bar scratch', '1:6', /no flag --foo/, /--platform/],
  ['FROM scratch\nRUN echo hi', '2:1', /RUN is not supported yet/, /COPY/],
  ['FROM scratch\nRUN <<EOT\nFOO\nEOT', '2:1', /RUN is not supported yet/, /COPY/],
  ['FROM scratch\nCOPY <<EOT etc/x\nhi\nEOT', '2:6', /not supported yet/, /COPY/],
  ['FROM scratch\nCOPY --from=x a b', '2:6', /--from is not supported yet/, /context/],
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

test.run()

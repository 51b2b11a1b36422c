import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SealerError } from '../errors.ts'
import { renderTemplate } from './render.ts'

const test = suite('template')

const data = {
  Port: '8443',
  Name: 'web',
  Secret: 's3cret',
  Empty: '',
  count: 3,
  tags: ['a', 'b', 'c'],
  env: { B: '2', A: '1' },
  images: [
    { reference: 'nginx', apps: ['web'] },
    { reference: 'redis', apps: [] },
  ],
}
const render = (text: string) => renderTemplate(text, { data, name: 't' })
const reasonOf = (text: string, options: object = {}): string => {
  try {
    renderTemplate(text, { data, name: 't', ...options })
  } catch (error) {
    if (SealerError.is(error)) return error.message
    throw error
  }
  throw new Error(`${text} is taken`)
}

const cases: readonly (readonly [text: string, rendered: string])[] = [
  ['plain ${Port} {not} an action', 'plain ${Port} {not} an action'],
  ['{{ printf "%s-%s" .Name .Port }}', 'web-8443'],
  ['{{ or .Missing "dflt" }} {{ or .Empty "dflt" }}', 'dflt dflt'],
  ['{{ b64enc .Secret }} {{ .Secret | b64enc | b64dec }}', 'czNjcmV0 s3cret'],
  ['a {{- if eq .Port "8443" }} tls{{ end }}', 'a tls'],
  ['{{ if .Missing }}x{{ else if .Empty }}y{{ else }}z{{ end }}', 'z'],
  ['{{ with .env }}{{ .A }}{{ else }}none{{ end }}{{ with .Missing }}{{ . }}{{ else }}none{{ end }}', '1none'],
  ['{{ range .tags }}<{{ . }}>{{ end }}', '<a><b><c>'],
  ['{{ range $i, $t := .tags }}{{ $i }}={{ $t }} {{ end }}', '0=a 1=b 2=c '],
  ['{{ range $k, $v := .env }}{{ $k }}{{ $v }}{{ end }}', 'A1B2'],
  ['{{ range .Missing }}x{{ else }}nothing{{ end }}', 'nothing'],
  ['{{ range .tags }}{{ if eq . "b" }}{{ continue }}{{ end }}{{ . }}{{ end }}', 'ac'],
  ['{{ range .tags }}{{ if eq . "b" }}{{ break }}{{ end }}{{ . }}{{ end }}', 'a'],
  ['{{ range .images }}{{ .reference }}:{{ len .apps }} {{ $.Name }};{{ end }}', 'nginx:1 web;redis:0 web;'],
  ['{{ $x := 1 }}{{ range .tags }}{{ $x = . }}{{ end }}{{ $x }}', 'c'],
  ['{{ (index .images 1).reference }} {{ index .env "A" }} {{ index .env "none" }}|', 'redis 1 |'],
  ['{{ join .tags "," }} {{ .tags | join "," }} {{ json .tags }}', 'a,b,c a,b,c ["a","b","c"]'],
  ['{{ json . | len | lt 10 }} {{ not .Empty }} {{ and .Name .Port }}', 'true true 8443'],
  ['{{/* nothing */ -}}   x', 'x'],
  ['{{ "a\\tb\\u00e9\\x41" }}{{ `raw\\n` }}', 'a\tbéAraw\\n'],
  ['{{ printf "%5.1f %x %t %%" 2.5 255 true }}', '  2.5 ff true %'],
  ['{{ .count }} {{ .tags }} {{ .env }} {{ true }} {{ -3 }}', '3 [a b c] map[A:1 B:2] true -3'],
  ['{{ default "x" .Missing }}{{ quote .Name }}{{ indent 2 "a\\nb" }}', 'x"web"  a\n  b'],
  [
    '{{ split "a/b" "/" | len }}{{ title "big world" }}{{ trimPrefix "v" "v1" }}{{ slice "sha256:abc" 7 }}',
    '2Big World1abc',
  ],
]
for (const [text, rendered] of cases) {
  test(text, () => assert.is(render(text), rendered))
}

const refusals: readonly (readonly [text: string, says: string])[] = [
  ['{{ .Missing }}', 't:1:4: .Missing is not there'],
  ['one\n two {{ .port }}', 't:2:9: .port is not there'],
  ['{{ b64enc .Missing }}', 't:1:4: b64enc: it wants a value, and gets nothing'],
  ['{{ b64dec "!!" }}', 't:1:4: b64dec: it is no base64'],
  ['{{ nosuch 1 }}', 't:1:4: there is no function "nosuch"'],
  ['{{ constructor }}', 't:1:4: there is no function "constructor"'],
  ['{{ $x }}', 't:1:4: there is no variable $x here'],
  ['{{ if .Name }}x', 't:1:1: this "if" has no "end"'],
  ['x {{ end }}', 't:1:3: this "end" belongs to no if, with or range'],
  ['{{ break }}', 't:1:1: "break" belongs into a range'],
  ['{{ template "x" }}', 't:1:1: "template" is not supported'],
  ['{{ .Name', 't:1:1: this "{{" is never closed with "}}"'],
  ['{{ "open }}', 't:1:4: this text is not closed'],
  ['{{ .Name | }}', 't:1:12: a value is missing here'],
  ['{{ (.Name }}', 't:1:11: a ")" is missing'],
  ['{{ .Name .Port }}', 't:1:10: only a function takes arguments'],
  ['{{ .Name.First }}', 't:1:4: .First: only a map has fields'],
  ['{{ range .Name }}{{ end }}', 't:1:10: range walks lists and maps alone'],
  ['{{ index .tags 9 }}', 't:1:4: index: there is no 9 in a list of 3'],
  ['{{ lt 1 "a" }}', 't:1:4: lt: a number and a text have no order'],
  ['{{ printf "%d" "a" }}', 't:1:4: printf: %d does not fit "a"'],
  ['{{ ? }}', 't:1:4: "?" makes no sense here'],
]
for (const [text, says] of refusals)
  test(`${text.split('\n').at(-1)} is refused`, () => assert.match(reasonOf(text), says))

test('fields of Go begin with a capital where that is wanted', () => {
  assert.is(renderTemplate('{{ .Count }}', { data, name: 't', goFields: true }), '3')
  assert.match(reasonOf('{{ .Count }}'), '.Count is not there')
})

test('a template neither works for ever nor fills the memory', () => {
  const many = { data: { many: Array.from({ length: 2000 }, () => 'x'.repeat(1000)) } }
  const loops = '{{ range .many }}{{ range $.many }}{{ 1 }}{{ end }}{{ end }}'
  assert.match(reasonOf(loops, many), 'it works for too long')
  assert.match(reasonOf('{{ range .many }}{{ range $.many }}{{ . }}{{ end }}{{ end }}', many), 'it makes more than')
  assert.match(reasonOf(`${'{{ if 1 }}'.repeat(5000)}`), 'it is nested too deeply')
  assert.match(reasonOf(`{{ ${'('.repeat(5000)} }}`), 'it is nested too deeply')
})

test('whatever stands in a template, it is rendered or refused with its place', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      '{{',
      '}}',
      '{{-',
      ' -}}',
      ' if ',
      ' range ',
      ' end ',
      ' else ',
      '.Name',
      '.tags',
      '$x',
      ':=',
      '|',
      '(',
    ),
    fc.constantFrom(
      ')',
      ' "a" ',
      ' 1 ',
      ' printf ',
      ' index ',
      ' eq ',
      '/*',
      '*/',
      ',',
      ' . ',
      '\n',
      'x',
      '`',
      "'",
      '\\',
    ),
    fc.string({ maxLength: 5 }),
  )
  const property = fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
    try {
      render(pieces.join(''))
    } catch (error) {
      if (!SealerError.is(error) || error.code !== 'TEMPLATE_INVALID') throw error
      assert.match(error.message, /^t:\d+:\d+: /)
    }
  })
  fc.assert(property, { numRuns: 2000 })
})

test.run()

import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { terminalQuestions } from './questions.ts'

const test = suite('questions')

test('without a terminal they are refused, with what to do instead', async () => {
  const { confirm } = terminalQuestions({ interactive: false }, new AbortController().signal)
  const error = await confirm('Trust it?').catch((refusal: unknown) => refusal)
  assert.match(String(error), 'no terminal to ask it on: Trust it?')
})

test('after a stop nothing is asked any more', async () => {
  const { password } = terminalQuestions({ interactive: true }, AbortSignal.abort())
  const error = await password('Password').catch((refusal: unknown) => refusal)
  assert.is((error as Error).name, 'AbortError')
})

test.run()

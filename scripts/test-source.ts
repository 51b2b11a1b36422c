/** What a test file says about itself, before it is run. */
export interface TestSource {
  /** Seconds after which the file and everything it has started is killed: `// time limit: 900 s` on the first line. */
  readonly timeLimit: number
  /** A part of `npm test`: the first line says `landing`. */
  readonly landing: boolean
  /** Mistakes that uvu would take for success. */
  readonly problems: readonly string[]
}

const defaultTimeLimit = 60

/** Reads what can be seen without running: suites that are never run, and under CI a forgotten `.only`. */
export function readTestSource(text: string, { ci }: { readonly ci: boolean }): TestSource {
  const firstLine = /^\/\/(.*)/.exec(text)?.[1] ?? ''
  const seconds = /\btime limit: (\d+) s\b/.exec(firstLine)?.[1]
  const suites = [...text.matchAll(/^(?:export )?const (\w+)\s*=\s*suite\b/gm)].map((match) => match[1] ?? '')
  if (/^import \{[^}]*\btest\b[^}]*\} from 'uvu'/m.test(text)) suites.push('test')
  const problems = suites.flatMap((name) => [
    ...(calls(text, name, 'run') ? [] : [`The suite "${name}" is never run: end the file with ${name}.run().`]),
    ...(ci && calls(text, name, 'only') ? [`${name}.only leaves the other tests of the suite out.`] : []),
  ])
  return {
    timeLimit: seconds === undefined ? defaultTimeLimit : Number(seconds),
    landing: /\blanding\b/.test(firstLine),
    problems,
  }
}

function calls(text: string, suite: string, method: 'run' | 'only'): boolean {
  return new RegExp(`^\\s*${suite}\\.${method}\\(`, 'm').test(text)
}

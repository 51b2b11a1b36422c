// All that can be said about the sources without running them. Each check counts as one test; the last line is
// "N passed, N failed, 0 skipped".
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Command {
  readonly program: string
  readonly args: readonly string[]
}
interface Outcome {
  readonly ok: boolean
  readonly output: string
}

const root = join(import.meta.dirname, '..')
const bin = (name: string, ...args: string[]): Command => ({ program: join(root, 'node_modules/.bin', name), args })
const script = (name: string, ...args: string[]): Command => ({
  program: process.execPath,
  args: ['--import', 'tsx', '--conditions=@sealer/source', join(root, 'scripts', name), ...args],
})

const tarballs = mkdtempSync(join(tmpdir(), 'sealer-check-'))
const totals = { passed: 0, failed: 0 }
try {
  await Promise.all([
    typesThenPackages(),
    check('format and lint', bin('biome', 'ci', '--colors=off')),
    check('documents equal the tests they show', script('docs.ts', '--check')),
    check('nothing unused', bin('knip', '--no-progress')),
  ])
} finally {
  rmSync(tarballs, { recursive: true, force: true })
}
console.log(`${totals.passed} passed, ${totals.failed} failed, 0 skipped`)
process.exitCode = totals.failed > 0 ? 1 : 0

/** The packages are packed from what the compiler has written. */
async function typesThenPackages(): Promise<void> {
  await check('types', bin('tsc', '-b', 'tsconfig.json', 'tsconfig.tools.json'))
  for (const name of readdirSync(join(root, 'packages'))) {
    const tarball = join(tarballs, `${name}.tgz`)
    await check(
      `package ${name}`,
      { program: 'pnpm', args: ['--dir', join(root, 'packages', name), 'pack', '--out', tarball] },
      bin('publint', 'run', tarball, '--strict'),
      bin('attw', tarball, '--profile', 'esm-only', '--no-definitely-typed', '--no-color', '--no-emoji'),
    )
  }
}

async function check(title: string, ...commands: readonly Command[]): Promise<void> {
  const started = performance.now()
  let outcome: Outcome = { ok: true, output: '' }
  for (const command of commands) {
    outcome = await run(command)
    if (!outcome.ok) break
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`${outcome.ok ? '✓' : '✗'} ${title}  ${seconds} s`)
  if (outcome.ok) totals.passed += 1
  else {
    totals.failed += 1
    console.log(outcome.output.trimEnd().replaceAll(/^/gm, '  '))
  }
}

function run({ program, args }: Command): Promise<Outcome> {
  return new Promise((done) => {
    const output: string[] = []
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => output.push(text))
    }
    child.on('error', (error) => done({ ok: false, output: `${program}: ${error.message}` }))
    child.on('close', (code) => done({ ok: code === 0, output: output.join('') }))
  })
}

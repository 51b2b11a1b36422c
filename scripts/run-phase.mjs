import { spawn } from 'node:child_process'
import { setTimeout } from 'node:timers/promises'
import { checkout } from './folders.mjs'

/**
 * Runs one part of the full test with Node, shows what it prints, and gives its counts: those of its last line, or one for
 * the whole where it has none to tell. Without counts that fit its exit code, it failed.
 * @param {readonly string[]} args
 * @param {{ env: NodeJS.ProcessEnv, counts: boolean }} options
 */
export async function runPhase(args, { env, counts }) {
  const child = spawn(process.execPath, args, { cwd: checkout, env, stdio: ['ignore', 'pipe', 'inherit'] })
  let tail = ''
  child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
    process.stdout.write(text)
    tail = (tail + text).slice(-1000)
  })
  const stop = () => child.kill('SIGTERM') // Ctrl-C reaches the child by itself, this does not
  process.on('SIGTERM', stop)
  const closed = new Promise((close) => child.once('close', close))
  const code = await new Promise((ended) => {
    child.once('error', ended)
    child.once('exit', ended)
  })
  process.off('SIGTERM', stop)
  await Promise.race([closed, setTimeout(1_000)]) // what it has left running may hold its output open
  child.stdout.destroy()
  const ok = code === 0
  if (!counts) return { passed: ok ? 1 : 0, failed: ok ? 0 : 1, skipped: 0 }
  const [, passed, failed, skipped] = /(\d+) passed, (\d+) failed, (\d+) skipped\s*$/.exec(tail)?.map(Number) ?? []
  if (passed === undefined || failed === undefined || skipped === undefined || ok !== (failed === 0)) {
    console.log(`Ended with ${code} and no counts that fit.`)
    return { passed: passed ?? 0, failed: Math.max(failed ?? 0, 1), skipped: skipped ?? 0 }
  }
  return { passed, failed, skipped }
}

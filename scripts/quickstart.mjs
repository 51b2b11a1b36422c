// npm run quickstart: from a machine with Node, npm and root to a real cluster with an application, and its address.
// Plain Node, no dependencies.
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { cacheFolder, checkout, homeFolder } from './folders.mjs'
import { baseImageParts } from './quickstart-parts.mjs'
import { SetUpError, setUp, show } from './setup.mjs'

const usage = `Usage: npm run quickstart [-- options]

Sets up this machine, builds the images, makes a cluster of local hosts, and launches the example application.

  --hosts N   hosts of the cluster: one master, the others nodes (default 1)
  --port N    where the application is reached on this machine (default 8080)
  --down      removes the cluster and everything but caches
  --purge     removes the caches and the images, too
  --yes       does not ask before setting up`

const cluster = 'quickstart'
const image = 'dashboard:v1'
const nodePort = '30080'
const sealer = join(checkout, 'sealer')

let interrupted = false
process.on('SIGINT', () => {
  if (interrupted) process.exit(130)
  interrupted = true // Ctrl-C reaches the program that runs by itself; it ends cleanly, and then so do we
})

try {
  await main()
} catch (error) {
  if (!(error instanceof SetUpError)) throw error
  console.error(error.message)
  process.exitCode = 1
}

async function main() {
  const { values } = parseArgs({
    options: {
      hosts: { type: 'string', default: '1' },
      port: { type: 'string', default: '8080' },
      down: { type: 'boolean', default: false },
      purge: { type: 'boolean', default: false },
      yes: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) console.log(usage)
  else if (values.purge) await purge()
  else if (values.down) await down()
  else await up(whole('--hosts', values.hosts, 1, 20), whole('--port', values.port, 1, 65535), values.yes)
}

/**
 * @param {number} hosts
 * @param {number} port
 * @param {boolean} yes
 */
async function up(hosts, port, yes) {
  const started = Date.now()
  const env = await setUp({ yes, further: baseImageParts() })
  await show(process.execPath, ['images/kubernetes/build.mjs'], env)
  await show(process.execPath, ['examples/dashboard/build.mjs', '--tag', image], env)
  await show(
    sealer,
    ['run', image, '--infra', 'local', '--masters', '1', '--nodes', String(hosts - 1), '--name', cluster],
    env,
  )
  await show(sealer, ['local', 'expose', '--cluster', cluster, nodePort, '--port', String(port)], env)
  await answers(`http://127.0.0.1:${port}/`)
  const seconds = Math.round((Date.now() - started) / 1000)
  console.log(`
The cluster "${cluster}" is up and its application answers, after ${seconds} s:

http://127.0.0.1:${port}/

From another machine: ssh -L ${port}:127.0.0.1:${port} root@${serverAddress()}

What to try next:
  ./sealer kubectl --cluster ${cluster} get pods -A
  ./sealer kubectl --cluster ${cluster} delete pod -l app=web     (and watch the page)
  npm run quickstart -- --down
  npm run quickstart -- --hosts 3`)
}

async function down() {
  await removeCluster()
  console.log(
    `The cluster "${cluster}" is gone. What is kept to be fast the next time: ${cacheFolder()} and the images in ${homeFolder()}.`,
  )
}

async function removeCluster() {
  if (existsSync(join(checkout, 'packages/cli/dist/main.js')) && existsSync(join(homeFolder(), 'clusters', cluster))) {
    await show(sealer, ['delete', '--cluster', cluster, '--yes'], process.env)
  }
}

async function purge() {
  await removeCluster()
  const others = existsSync(join(homeFolder(), 'clusters')) ? readdirSync(join(homeFolder(), 'clusters')) : []
  if (others.length > 0) {
    throw new SetUpError(
      `${homeFolder()} and ${cacheFolder()} are kept: they serve the clusters ${others.join(', ')}. Try: ./sealer delete --cluster NAME first.`,
    )
  }
  for (const folder of [homeFolder(), cacheFolder()]) rmSync(folder, { recursive: true, force: true })
  console.log(`Removed ${homeFolder()} and ${cacheFolder()}.`)
}

/**
 * Waits until the application answers: its pods are ready, but the way to them may be a second behind.
 * @param {string} url
 */
async function answers(url) {
  const deadline = Date.now() + 60_000
  for (;;) {
    const problem = await fetch(url, { signal: AbortSignal.timeout(5_000) }).then(
      async (response) => {
        await response.body?.cancel()
        return response.ok ? undefined : `answers ${response.status}`
      },
      (error) => String(error.cause ?? error),
    )
    if (problem === undefined) return
    if (interrupted || Date.now() > deadline) {
      throw new SetUpError(
        `The cluster is up, but ${url} does not answer: ${problem}. Try: ./sealer kubectl --cluster ${cluster} get pods -A`,
      )
    }
    await setTimeout(500)
  }
}

/** The address by which this terminal's own SSH connection came, else the machine's name. */
function serverAddress() {
  return process.env.SSH_CONNECTION?.split(' ')[2] ?? hostname()
}

/**
 * @param {string} option
 * @param {string} text
 * @param {number} least
 * @param {number} most
 */
function whole(option, text, least, most) {
  const number = Number(text)
  if (Number.isInteger(number) && number >= least && number <= most) return number
  throw new SetUpError(`${option} wants a whole number from ${least} to ${most}, not "${text}".`)
}

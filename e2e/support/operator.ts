import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findGo, goEnvironment } from '../../images/kubernetes/src/go.ts'
import { writeLayout } from '../../images/kubernetes/src/oci-layout.ts'
import { ownArch } from '../../images/kubernetes/src/platform.ts'
import { run } from '../../images/kubernetes/src/run.ts'
import { startRegistry } from './registry.ts'
import { tool } from './run-tool.ts'

const source = join(import.meta.dirname, '../operator')
const login = { user: 'ann', password: 'pa55word' }

/** The upstreams of the operator's images: two registries of docker, one with a login, under names that only a home's mirrors resolve. */
export interface Hubs extends AsyncDisposable {
  /** Names and digests. */
  readonly images: { readonly operator: string; readonly worker: string; readonly once: string }
  /** What a home needs to know of them. */
  prepare(home: string): Promise<void>
  /** Log in to the one that wants it. */
  readonly login: { readonly host: string; readonly user: string; readonly password: string }
  /** Paths that were asked for at the registry without a login. */
  readonly asked: string[]
}

export async function startHubs(): Promise<Hubs> {
  const folder = await mkdtemp(join(tmpdir(), 'sealer-operator-'))
  const [open, closed] = [await startRegistry(), await startRegistry({ login: true })]
  const front = await startFront(open.host)
  const layout = join(folder, 'images')
  await writeOperatorImages(layout, join(folder, 'programs'))
  const copy = (name: string, host: string, path: string, ...creds: string[]) => {
    const tls = ['--src-tls-verify=false', '--dest-tls-verify=false']
    return tool(
      'skopeo',
      '--insecure-policy',
      'copy',
      ...tls,
      ...creds,
      `oci:${layout}:${name}`,
      `docker://${host}/${path}`,
    )
  }
  await copy('operator', open.host, 'team/operator:1.0')
  await copy('once', open.host, 'team/once:1.0')
  await copy('worker', closed.host, 'team/worker:v2', `--dest-creds=${login.user}:${login.password}`)
  return {
    images: {
      operator: 'registry.test:5000/team/operator:1.0',
      worker: 'hub.test/team/worker:v2',
      once: 'registry.test:5000/team/once:1.0',
    },
    login: { host: closed.host, ...login },
    asked: front.asked,
    prepare: async (home) => {
      await mkdir(home, { recursive: true })
      const mirrors = { 'registry.test:5000': { mirrors: [front.host] }, 'hub.test': { mirrors: [closed.host] } }
      await writeFile(join(home, 'registries.yaml'), JSON.stringify({ registries: mirrors }))
    },
    [Symbol.asyncDispose]: async () => {
      await front[Symbol.asyncDispose]()
      await open[Symbol.asyncDispose]()
      await closed[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The build context of the operator; a capricious one asks for another image every few seconds. */
export async function operatorContext(folder: string, { capricious = false } = {}): Promise<string> {
  await mkdir(folder, { recursive: true })
  await cp(join(source, 'Kubefile'), join(folder, 'Kubefile'))
  const manifest = await readFile(join(source, 'operator.yaml'), 'utf8')
  await writeFile(
    join(folder, 'operator.yaml'),
    capricious ? manifest.replace('args: []', "args: ['--capricious']") : manifest,
  )
  return folder
}

async function writeOperatorImages(layout: string, programs: string): Promise<void> {
  const go = await findGo()
  const program = join(programs, 'operator')
  await mkdir(programs, { recursive: true })
  const flags = ['-trimpath', '-buildvcs=false', '-ldflags=-s -w']
  await run(go.program, ['build', ...flags, '-o', program], { cwd: source, env: goEnvironment({ CGO_ENABLED: '0' }) })
  const recipe = (name: string) => ({
    name,
    layers: [{ [name]: { kind: 'file', source: program, mode: 0o755 } as const }],
    entrypoint: [`/${name}`],
    user: '65532:65532',
  })
  await writeLayout(layout, new Map([[ownArch(), ['operator', 'worker', 'once'].map(recipe)]]))
}

/** A way to a registry which has every tag `at-…` that it is asked for, and remembers what it was asked. */
async function startFront(target: string) {
  const asked: string[] = []
  const server = createServer((incoming, response) => {
    asked.push(incoming.url ?? '')
    const path = (incoming.url ?? '').replace(/\/manifests\/at-\d+$/, '/manifests/1.0')
    const onward = request(
      `http://${target}${path}`,
      { method: incoming.method, headers: incoming.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      },
    )
    onward.on('error', () => response.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

import { readFileSync, watchFile } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { Connector } from './connector.ts'
import { clusterPlaces } from './layout.ts'
import type { ClusterState, ExposedPort } from './state.ts'

/** Milliseconds after which the next host is asked. */
const patience = 1_500

/**
 * Holds the exposed ports of a cluster open on 127.0.0.1, as its state says, and follows changes of the state. Runs as a process of
 * its own, tended by a shell (relay.ts).
 */
export function runRelay(home: string, cluster: string): void {
  const places = clusterPlaces(home, cluster)
  const connector = new Connector(places.namespace)
  const servers = new Map<number, Server>()
  let state = readNow(places.state)

  const follow = () => {
    state = readNow(places.state)
    for (const [local, server] of servers) {
      if (state.exposed.some((one) => one.local === local)) continue
      server.close()
      servers.delete(local)
    }
    for (const { local } of state.exposed) {
      if (servers.has(local)) continue
      const server = createServer({ pauseOnConnect: true }, (client) => {
        const target = state.exposed.find((one) => one.local === local)
        if (target === undefined) client.destroy()
        else void lead(client, target, state, connector)
      })
      server.on('error', (error) => {
        process.stderr.write(`127.0.0.1:${local}: ${error.message}\n`)
        servers.delete(local) // tried again when the state changes, or by the next relay
      })
      server.listen(local, '127.0.0.1')
      servers.set(local, server)
    }
  }
  follow()
  watchFile(places.state, { interval: 200 }, follow)
}

/** Leads a client to the first host that answers: no host is special. */
async function lead(
  client: Socket,
  { port, host }: ExposedPort,
  state: ClusterState,
  connector: Connector,
): Promise<void> {
  client.on('error', () => client.destroy())
  for (const { name, address } of state.hosts) {
    if (host !== undefined && host !== name) continue
    try {
      return join(client, await connector.connect(address, port, AbortSignal.timeout(patience)))
    } catch {} // the next one
  }
  client.destroy()
}

function join(client: Socket, host: Socket): void {
  const end = () => {
    client.destroy()
    host.destroy()
  }
  client.on('error', end).on('close', end)
  host.on('error', end).on('close', () => client.end())
  client.pipe(host)
  host.pipe(client)
}

/** A deleted cluster has no ports; half of a state is never seen. */
function readNow(file: string): ClusterState {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ClusterState
  } catch {
    return process.exit(0)
  }
}

/** Whether something listens on this port of 127.0.0.1. */
export async function isOpen(port: number): Promise<boolean> {
  return await new Promise((answer) => {
    const socket = connect({ host: '127.0.0.1', port })
    const done = (open: boolean) => {
      socket.destroy()
      answer(open)
    }
    socket.once('connect', () => done(true)).once('error', () => done(false))
  })
}

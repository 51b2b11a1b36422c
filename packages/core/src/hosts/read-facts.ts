import type { Clock } from '../clock.ts'
import { factsScript } from './facts-script.ts'
import type { HostFacts, HostView } from './host.ts'
import { parseFacts } from './parse-facts.ts'

/** Everything a host says of itself, in one round trip. @throws COMMAND_FAILED, HOST_UNREACHABLE, FACTS_UNREADABLE */
export async function readFacts(host: HostView, clock: Clock): Promise<HostFacts> {
  const asked = clock.now()
  const { stdout } = await host.inquire({ argv: ['sh', '-s'], input: factsScript })
  return parseFacts(host.name, stdout, (asked + clock.now()) / 2)
}

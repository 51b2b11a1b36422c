import type { HostFacts, HostSpec, HostView } from './host.ts'

/** Thrown when a host is asked that does not exist yet: there is no answer to plan with. */
export class HostAbsent extends Error {
  override readonly name = 'HostAbsent'
  static is(error: unknown): error is HostAbsent {
    return error instanceof Error && error.name === 'HostAbsent'
  }
}

/** A host that the infra has yet to make, as planning sees it: it will have these facts, and nothing on it. */
export function bareView(spec: HostSpec, facts: HostFacts): HostView {
  const absent = async (): Promise<never> => {
    throw new HostAbsent(`${spec.name} does not exist yet`)
  }
  return {
    spec,
    name: spec.name,
    address: spec.address,
    roles: spec.roles,
    facts: async () => facts,
    has: async () => false,
    read: async () => undefined,
    ask: absent,
    inquire: absent,
  }
}

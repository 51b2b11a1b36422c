import { errors, SealerError } from '../errors.ts'
import type { HostView } from './host.ts'

/** The first of these hosts that answers at all; others may be down, and are not waited for. @throws HOSTS_FAILED when none does */
export async function firstToAnswer(hosts: readonly HostView[]): Promise<HostView> {
  try {
    return await Promise.any(hosts.map((host) => host.ask('true').then(() => host)))
  } catch (error) {
    const problems = (error as AggregateError).errors.filter((one) => SealerError.is(one))
    throw errors.HOSTS_FAILED({ failed: hosts.length, of: hosts.length }, { problems })
  }
}

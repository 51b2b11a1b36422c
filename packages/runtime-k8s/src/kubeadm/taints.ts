import type { HostSpec } from '@sealer/core'
import { errors } from '../errors.ts'

/** A taint as the API writes it. */
export interface Taint {
  readonly key: string
  readonly value?: string
  readonly effect: string
}

/** The taint that keeps workloads off a control plane. */
export const controlPlaneTaint: Taint = { key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' }

const form = /^(?<key>[^=:\s]+)(?:=(?<value>[^=:\s]*))?:(?<effect>NoSchedule|PreferNoSchedule|NoExecute)$/

/** `key=value:Effect`, `key:Effect`. What ends in `-` asks for absence, and a new node has none. @throws TAINT_INVALID */
export function taintsOf(spec: Pick<HostSpec, 'name' | 'taints'>): readonly Taint[] {
  return (spec.taints ?? [])
    .filter((text) => !text.endsWith('-'))
    .map((text) => {
      const { key, value, effect } = form.exec(text)?.groups ?? {}
      if (key === undefined || effect === undefined) throw errors.TAINT_INVALID({ host: spec.name, taint: text })
      return { key, effect, ...(value === undefined || value === '' ? {} : { value }) }
    })
}

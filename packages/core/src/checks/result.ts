import type { CheckResult } from '../sealer.ts'

export const passed = (id: string, host: string, message: string): CheckResult => ({ id, host, ok: true, message })

/** Does not stop anything. A check that passed and still names a remedy is a warning. */
export const warned = (id: string, host: string, message: string, remedy: string): CheckResult => ({
  id,
  host,
  ok: true,
  message,
  remedy,
})

export const failed = (id: string, host: string, message: string, remedy: string): CheckResult => ({
  id,
  host,
  ok: false,
  message,
  remedy,
})

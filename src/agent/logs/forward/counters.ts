/** Forwarding in numbers. */
import { Counter, Registry } from 'prom-client'

/** `rotated`: gone before the target took it; `rejected`: the target would not have it. */
export type DropReason = 'rotated' | 'rejected'

export interface ForwardCounters {
  sent(target: string, records: number): void
  failed(target: string): void
  dropped(target: string, reason: DropReason, bytes: number): void
  readonly registry: Registry
}

export const createForwardCounters = (): ForwardCounters => {
  const registry = new Registry()
  const registers = [registry]
  const records = new Counter({
    ...{ name: 'podway_log_forward_records_total', help: 'Log records that a target has taken', registers },
    labelNames: ['target'],
  })
  const failures = new Counter({
    ...{ name: 'podway_log_forward_failures_total', help: 'Batches that a target has not taken', registers },
    labelNames: ['target'],
  })
  const bytes = new Counter({
    ...{ name: 'podway_log_forward_dropped_bytes_total', help: 'Bytes of logs that a target never got', registers },
    labelNames: ['target', 'reason'],
  })
  return {
    registry,
    sent: (target, count) => records.inc({ target }, count),
    failed: (target) => failures.inc({ target }),
    dropped: (target, reason, count) => bytes.inc({ target, reason }, count),
  }
}

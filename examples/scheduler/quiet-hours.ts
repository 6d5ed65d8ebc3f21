/**
 * A scheduler plug-in: pods with the label `batch=true` go to nodes with the label `batch` alone, rather to those that they say are cheap,
 * and no sooner than `from` o'clock (UTC).
 *
 *   podway control --bind 192.0.2.10 --scheduler-plugin quiet-hours.ts --scheduler-config config.yaml
 */
import type { PluginModule, Pod } from 'podway/scheduler'

const hourMs = 3_600_000

const isBatch = ({ metadata }: Pod): boolean => metadata.labels?.['batch'] === 'true'

/** As `pluginConfig` has it: `{from: 22}`. */
const hourOf = (args: unknown): number => {
  const from = typeof args === 'object' && args !== null && 'from' in args ? args.from : 0
  if (typeof from !== 'number' || !(from >= 0 && from < 24)) throw new Error('args.from: is no hour')
  return from
}

const msUntil = (hour: number, now: Date): number => {
  const since = now.getTime() - now.setUTCHours(hour, 0, 0, 0)
  return since >= 0 ? 0 : -since
}

const module: PluginModule = {
  name: 'QuietHours',
  create: (args) => {
    const hour = hourOf(args)
    return {
      filter: {
        helpedBy: ['node'],
        // Undefined: other pods are none of its business.
        prepare: (pod) =>
          isBatch(pod)
            ? {
                check: ({ node }) =>
                  node.metadata.labels?.['batch'] === undefined
                    ? { reasons: ['node(s) were not for batch pods'], isFinal: true }
                    : undefined,
              }
            : undefined,
      },
      score: {
        weight: 2,
        prepare: (pod) =>
          isBatch(pod) ? ({ node }) => (node.metadata.labels?.['batch'] === 'cheap' ? 100 : 0) : undefined,
      },
      permit: {
        timeoutMs: hourMs / 4,
        permit: (pod, _node, signal) => {
          const ms = isBatch(pod) ? msUntil(hour, new Date()) : 0
          if (ms === 0) return undefined
          return new Promise((resolve) => {
            const timer = setTimeout(() => resolve(undefined), ms)
            // The pod is gone, or has waited for too long: it is asked about again later.
            signal.addEventListener('abort', () => clearTimeout(timer))
          })
        },
      },
    }
  },
}

export default module

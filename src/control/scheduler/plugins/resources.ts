/** What pods ask for, of what nodes have: CPU, memory, storage, and extended resources of any name. */
import { allRequestsOf } from '../../../api/pod-requests.ts'
import type { Filter } from '../framework/filter.ts'
import type { NodeState } from '../framework/node-state.ts'
import type { Plugin } from '../framework/plugin.ts'
import type { Score } from '../framework/score.ts'

type Wanted = readonly [name: string, amount: number]

const isMissing = ({ allocatable, requested }: NodeState, [name, amount]: Wanted): boolean =>
  amount > (allocatable.get(name) ?? 0) - (requested.get(name) ?? 0)

const filterBut = (ignored: ReadonlySet<string>): Filter => ({
  helpedBy: ['node', 'pod gone'],
  prepare: (pod) => {
    const wanted = [...allRequestsOf(pod)].filter(([name, amount]) => amount > 0 && !ignored.has(name))
    return {
      check: (state) => {
        const isFull = state.pods.size >= (state.allocatable.get('pods') ?? 0)
        const missing = wanted.filter((one) => isMissing(state, one))
        if (!isFull && missing.length === 0) return undefined
        const reasons = missing.map(([name]) => `Insufficient ${name}`)
        return { reasons: isFull ? ['Too many pods', ...reasons] : reasons, isFinal: false }
      },
    }
  },
})

const left = ({ allocatable, requested }: NodeState, kind: string, wanted: number): number => {
  const most = allocatable.get(kind) ?? 0
  return most === 0 ? 100 : Math.max(0, 100 * (1 - ((requested.get(kind) ?? 0) + wanted) / most))
}

/** Much CPU and memory left. */
const score: Score = {
  weight: 1,
  prepare: (pod) => {
    const wanted = allRequestsOf(pod)
    return (state) =>
      (left(state, 'cpu', wanted.get('cpu') ?? 0) + left(state, 'memory', wanted.get('memory') ?? 0)) / 2
  },
}

/** `ignored`: resources that somebody else counts. */
export const nodeResourcesFit = (ignored: ReadonlySet<string> = new Set()): Plugin => ({
  ...{ name: 'NodeResourcesFit', score },
  filter: filterBut(ignored),
})

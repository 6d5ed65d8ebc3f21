/** What network policies let through and what they stopped, as the kernel has counted it. */
import { Counter, Registry } from 'prom-client'
import type { GroupCounts, PolicyEnforcer } from './enforcer.ts'

/** `namespace/name` → its parts. */
const partsOf = (key: string): { readonly namespace: string; readonly policy: string } => {
  const [namespace = '', policy = ''] = key.split('/')
  return { namespace, policy }
}

/** Packets of new connections, by policy, direction and verdict. One that no policy allows counts for each that applies. */
export const createPolicyMetrics = ({ counts }: Pick<PolicyEnforcer, 'counts'>): Registry => {
  const registry = new Registry()
  const add = (counter: Counter, { direction, policies, accepted, dropped }: GroupCounts): void => {
    for (const key of policies) {
      counter.inc({ ...partsOf(key), direction, verdict: 'accepted' }, accepted.get(key) ?? 0)
      counter.inc({ ...partsOf(key), direction, verdict: 'dropped' }, dropped)
    }
  }
  new Counter({
    name: 'podway_network_policy_packets_total',
    help: 'First packets of connections that a network policy has accepted or dropped; begins anew when its rules change',
    labelNames: ['namespace', 'policy', 'direction', 'verdict'],
    registers: [registry],
    async collect() {
      const groups = await counts()
      this.reset()
      for (const group of groups) add(this, group)
    },
  })
  return registry
}

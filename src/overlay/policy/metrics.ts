/** What network policies let through and what they stopped, as the kernel has counted it. */
import { Counter, Registry } from 'prom-client'
import type { PolicyEnforcer } from './enforcer.ts'

/** `namespace/name` → its parts. */
const partsOf = (key: string): { readonly namespace: string; readonly policy: string } => {
  const [namespace = '', policy = ''] = key.split('/')
  return { namespace, policy }
}

/** Packets of new connections, by policy, direction and verdict. One that no policy allows counts for each that applies. */
export const createPolicyMetrics = ({ counts }: Pick<PolicyEnforcer, 'counts'>): Registry => {
  const registry = new Registry()
  new Counter({
    name: 'podway_network_policy_packets_total',
    help: 'First packets of connections that a network policy has accepted or dropped; begins anew when its rules change',
    labelNames: ['namespace', 'policy', 'direction', 'verdict'],
    registers: [registry],
    async collect() {
      const found = await counts()
      this.reset()
      for (const { policy, direction, accepted, dropped } of found) {
        this.inc({ ...partsOf(policy), direction, verdict: 'accepted' }, accepted)
        this.inc({ ...partsOf(policy), direction, verdict: 'dropped' }, dropped)
      }
    },
  })
  return registry
}

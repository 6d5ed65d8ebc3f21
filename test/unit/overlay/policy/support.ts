/** Policies in a strict fake kernel, and what becomes of a packet there. */

import type { Protocol } from '../../../../src/api/types/index.ts'
import { createFakeNetfilter, type FakeNetfilter } from '../../../../src/host/netfilter/fake.ts'
import { createKernelChains, type KernelChains } from '../../../../src/host/netfilter/kernel-chains.ts'
import { parseSave } from '../../../../src/host/netfilter/tables.ts'
import { tracePacket } from '../../../../src/host/netfilter/trace.ts'
import type { IpFamily } from '../../../../src/ip/address.ts'
import { policyRoom } from '../../../../src/overlay/policy/enforcer.ts'
import type { Connection } from '../../../../src/overlay/policy/evaluate.ts'
import type { PolicyPod } from '../../../../src/overlay/policy/pod.ts'
import {
  createPolicyChains,
  type PolicyChains,
  type PolicyTable,
  policyJumps,
} from '../../../../src/overlay/policy/policy-chains.ts'
import { type PodKey, podAddresses, podKeys } from '../../../support/policy-cases.ts'

export interface PolicyKernel {
  readonly chains: PolicyChains
  readonly netfilter: FakeNetfilter
  readonly kernel: KernelChains<PolicyTable>
  /** Whether a new connection is forwarded. */
  passes(
    connection: Pick<Connection, 'port'> & { readonly protocol: Protocol; readonly from: string; readonly to: string },
  ): boolean
}

export const podCIDRs = ['10.244.1.0/24', 'fd00:1::/64']

export const createPolicyKernel = (family: IpFamily = 'IPv4', nodeName = 'here'): PolicyKernel => {
  const netfilter = createFakeNetfilter(family)
  return {
    chains: createPolicyChains({ family, nodeName, podCIDRs }),
    netfilter,
    kernel: createKernelChains(netfilter, policyJumps, policyRoom),
    passes: ({ from, to, protocol, port }) => {
      const tables = { mangle: parseSave(netfilter.dump('mangle')) }
      const packet = { from, to, port, protocol: protocol.toLowerCase() as 'tcp' | 'udp' | 'sctp' }
      const ends = tracePacket(tables, packet, { addresses: ['10.244.1.1'] })
      if (ends.length !== 1) throw new Error(`${ends.length} ends for ${from} to ${to}`)
      return ends[0]?.verdict === 'accept'
    },
  }
}

const protocols: readonly Protocol[] = ['TCP', 'UDP', 'SCTP']

/** The pods of the cases: x and y on node `here`. */
export const casePod = (key: PodKey): PolicyPod => ({
  namespace: key.slice(0, 1),
  uid: `uid-${key}`,
  node: key.startsWith('z') ? 'there' : 'here',
  labels: { pod: key.slice(2) },
  addresses: [podAddresses[key]],
  ports: protocols.flatMap((protocol) =>
    ([80, 81] as const).map((port) => ({ name: `serve-${port}-${protocol.toLowerCase()}`, protocol, port })),
  ),
})

export const caseNamespace = (name: string) => ({ ns: name, 'kubernetes.io/metadata.name': name })

export const casePods = new Map(podKeys.map((key) => [key as string, casePod(key)]))

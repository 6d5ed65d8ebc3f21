/** Random clusters under random network policies, in which something changes all the time. */
import type {
  LabelSelector,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
  StringMap,
} from '../../src/api/types/index.ts'
import { type Policy, readPolicy } from '../../src/overlay/policy/model.ts'
import type { PolicyPod } from '../../src/overlay/policy/pod.ts'
import type { PolicyChains } from '../../src/overlay/policy/policy-chains.ts'
import type { SeededRandom } from './seeded-random.ts'

const names = ['one', 'two', 'three'] as const
const labelsOf = ({ pick }: SeededRandom): StringMap => ({ app: pick(['web', 'db']), tier: pick(['front', 'back']) })

const selectorOf = ({ pick }: SeededRandom) =>
  pick<LabelSelector>([
    {},
    { matchLabels: { app: 'web' } },
    { matchLabels: { tier: 'back' } },
    { matchExpressions: [{ key: 'app', operator: 'NotIn' as const, values: ['web'] }] },
  ])

const peerOf = (random: SeededRandom): NetworkPolicyPeer =>
  random.pick<() => NetworkPolicyPeer>([
    () => ({ podSelector: selectorOf(random) }),
    () => ({ namespaceSelector: selectorOf(random) }),
    () => ({ namespaceSelector: selectorOf(random), podSelector: selectorOf(random) }),
    () => ({ ipBlock: { cidr: '10.244.0.0/16', except: ['10.244.1.0/27'] } }),
    () => ({ ipBlock: { cidr: '10.244.1.128/25' } }),
    () => ({ ipBlock: { cidr: 'fd00:1::/64', except: ['fd00:1::10/124'] } }),
  ])()

const portOf = ({ pick }: SeededRandom): NetworkPolicyPort =>
  pick<NetworkPolicyPort>([
    { protocol: 'TCP', port: 80 },
    { protocol: 'UDP' },
    { protocol: 'TCP', port: 'http' },
    { protocol: 'TCP', port: 8000, endPort: 9000 },
    { protocol: 'SCTP', port: 80 },
  ])

const some = <T>({ below }: SeededRandom, make: () => T): readonly T[] => Array.from({ length: below(3) }, make)

const policyOf = (random: SeededRandom, name: string, namespace: string): NetworkPolicy => {
  const rule = () => ({ ports: some(random, () => portOf(random)), peers: some(random, () => peerOf(random)) })
  return {
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name, namespace } },
    spec: {
      podSelector: selectorOf(random),
      policyTypes: random.pick([['Ingress'], ['Egress'], ['Ingress', 'Egress']]),
      ingress: some(random, rule).map(({ ports, peers }) => ({ ports, from: peers })),
      egress: some(random, rule).map(({ ports, peers }) => ({ ports, to: peers })),
    },
  }
}

const podOf = (random: SeededRandom, namespace: string, number: number): PolicyPod => ({
  ...{ namespace, uid: `${namespace}-${number}`, labels: labelsOf(random) },
  node: random.pick(['here', 'here', 'there']),
  addresses: [`10.244.1.${number}`, `fd00:1::${number.toString(16)}`],
  ports: random.pick([[], [{ name: 'http', protocol: 'TCP' as const, port: random.pick([80, 8080]) }]]),
})

export interface PolicyCluster {
  readonly pods: ReadonlyMap<string, PolicyPod>
  readonly namespaces: ReadonlyMap<string, StringMap>
  readonly policies: ReadonlyMap<string, Policy>
  /** Changes something, here and there. */
  change(chains: PolicyChains): void
}

export const createPolicyCluster = (random: SeededRandom): PolicyCluster => {
  const pods = new Map<string, PolicyPod>()
  const namespaces = new Map<string, StringMap>()
  const policies = new Map<string, Policy>()
  return {
    ...{ pods, namespaces, policies },
    change: (chains) => {
      const namespace = random.pick(names)
      const number = 2 + random.below(60)
      const podKey = `${namespace}/pod-${number}`
      const policyKey = `${namespace}/policy-${random.below(5)}`
      const pod = () => podOf(random, namespace, number + names.indexOf(namespace) * 64)
      random.pick<() => void>([
        () => void pods.set(podKey, pod()),
        () => void pods.set(podKey, pod()),
        () => void pods.delete(podKey),
        () => void namespaces.set(namespace, labelsOf(random)),
        () => void policies.set(policyKey, readPolicy(policyOf(random, policyKey.split('/')[1] ?? '', namespace))),
        () => void policies.delete(policyKey),
      ])()
      chains.setPod(podKey, pods.get(podKey))
      chains.setNamespace(namespace, namespaces.get(namespace))
      chains.setPolicy(policyKey, policies.get(policyKey))
    },
  }
}

/**
 * What network policies must do, case by case, in a small cluster: namespaces x, y and z with the pods a, b and c each, all of
 * which serve ports 80 and 81 over TCP, UDP and SCTP. The scenarios are those that Kubernetes' own end-to-end tests name; the
 * policies and expectations are written anew.
 */
import type { NetworkPolicy, NetworkPolicyPeer, Protocol, StringMap } from '../../src/api/types/index.ts'

type Spec = NonNullable<NetworkPolicy['spec']>

/** `x/a`. */
export type PodKey = `${'x' | 'y' | 'z'}/${'a' | 'b' | 'c'}`

export interface Try {
  readonly from: PodKey
  readonly to: PodKey
  readonly protocol: Protocol
  readonly port: 80 | 81
}

export interface PolicyCase {
  readonly name: string
  /** In namespace x unless `namespaces` says otherwise. */
  readonly policies: readonly Spec[]
  readonly namespaces?: readonly string[]
  /** Labels that are added before the tries, by pod (`x/a`) or namespace (`y`). */
  readonly labels?: Readonly<Record<string, StringMap>>
  /** Whether a try must succeed. */
  readonly allows: (one: Try) => boolean
  /** Protocols to try; TCP when missing. */
  readonly protocols?: readonly Protocol[]
}

export const podKeys: readonly PodKey[] = (['x', 'y', 'z'] as const).flatMap((namespace) =>
  (['a', 'b', 'c'] as const).map((name): PodKey => `${namespace}/${name}`),
)

/** The pods' addresses: those of x and y on one node, those of z on another. */
export const podAddresses: Readonly<Record<PodKey, string>> = {
  ...{ 'x/a': '10.244.1.11', 'x/b': '10.244.1.12', 'x/c': '10.244.1.13' },
  ...{ 'y/a': '10.244.1.21', 'y/b': '10.244.1.22', 'y/c': '10.244.1.23' },
  ...{ 'z/a': '10.244.2.11', 'z/b': '10.244.2.12', 'z/c': '10.244.2.13' },
}

const namespaceOf = (key: PodKey): string => key.slice(0, 1)
const all = {}
const pod = (...names: readonly string[]) =>
  names.length === 1
    ? { matchLabels: { pod: names[0] ?? '' } }
    : { matchExpressions: [{ key: 'pod', operator: 'In', values: names } as const] }
const ns = (...names: readonly string[]) =>
  names.length === 1
    ? { matchLabels: { ns: names[0] ?? '' } }
    : { matchExpressions: [{ key: 'ns', operator: 'In', values: names } as const] }
const block = (cidr: string, ...except: readonly string[]): NetworkPolicyPeer => ({
  ipBlock: { cidr, ...(except.length > 0 ? { except } : {}) },
})
const host = (key: PodKey): string => `${podAddresses[key]}/32`

const toX = ({ to }: Try): boolean => namespaceOf(to) === 'x'
const toXA = ({ to }: Try): boolean => to === 'x/a'
const fromX = ({ from }: Try): boolean => namespaceOf(from) === 'x'
const fromXA = ({ from }: Try): boolean => from === 'x/a'
const fromOneOf =
  (...keys: readonly string[]) =>
  ({ from }: Try): boolean =>
    keys.includes(from) || keys.includes(namespaceOf(from))
const toOneOf =
  (...keys: readonly string[]) =>
  ({ to }: Try): boolean =>
    keys.includes(to) || keys.includes(namespaceOf(to))
/** Of the tries that `meant` picks only those that `may`; all others are free. */
const only =
  (meant: (one: Try) => boolean, may: (one: Try) => boolean) =>
  (one: Try): boolean =>
    !meant(one) || may(one)
const nobody = (): boolean => false
const everybody = (): boolean => true

const ingress = (podSelector: Spec['podSelector'], rules: Spec['ingress']): Spec => ({
  ...{ podSelector: podSelector ?? {}, policyTypes: ['Ingress'], ingress: rules ?? [] },
})
const egress = (podSelector: Spec['podSelector'], rules: Spec['egress']): Spec => ({
  ...{ podSelector: podSelector ?? {}, policyTypes: ['Egress'], egress: rules ?? [] },
})
const tcp = (port: number | string, endPort?: number) => ({
  ...{ protocol: 'TCP' as const, port },
  ...(endPort === undefined ? {} : { endPort }),
})

export const policyCases: readonly PolicyCase[] = [
  { name: 'no policy: all is allowed', policies: [], allows: everybody },
  { name: 'default deny ingress', policies: [ingress(all, [])], allows: only(toX, nobody) },
  {
    name: 'default deny all: both directions',
    policies: [{ podSelector: all, policyTypes: ['Ingress', 'Egress'] }],
    allows: (one) => !toX(one) && !fromX(one),
  },
  { name: 'default deny egress', policies: [egress(all, [])], allows: only(fromX, nobody) },
  {
    name: 'policyTypes left out: ingress only, while there are no egress rules',
    policies: [{ podSelector: all, ingress: [] }],
    allows: only(toX, nobody),
  },
  {
    name: 'policyTypes left out: egress too, when there are egress rules',
    policies: [{ podSelector: pod('a'), egress: [{ to: [{ podSelector: pod('b') }] }] }],
    allows: (one) => !toXA(one) && only(fromXA, toOneOf('x/b'))(one),
  },
  { name: 'an empty rule allows everybody', policies: [ingress(all, [{}])], allows: everybody },
  { name: 'an empty egress rule allows all', policies: [egress(all, [{}])], allows: everybody },
  {
    name: 'a pod selector names pods of the same namespace',
    policies: [ingress(pod('a'), [{ from: [{ podSelector: pod('b') }] }])],
    allows: only(toXA, fromOneOf('x/b')),
  },
  {
    name: 'an empty pod selector: all pods of the same namespace',
    policies: [ingress(all, [{ from: [{ podSelector: all }] }])],
    allows: only(toX, fromX),
  },
  {
    name: 'a pod selector by expression',
    policies: [ingress(pod('a'), [{ from: [{ podSelector: pod('b', 'c') }] }])],
    allows: only(toXA, fromOneOf('x/b', 'x/c')),
  },
  {
    name: 'a namespace selector',
    policies: [ingress(pod('a'), [{ from: [{ namespaceSelector: ns('y') }] }])],
    allows: only(toXA, fromOneOf('y')),
  },
  {
    name: 'a namespace selector by expression',
    policies: [ingress(pod('a'), [{ from: [{ namespaceSelector: ns('y', 'z') }] }])],
    allows: only(toXA, fromOneOf('y', 'z')),
  },
  {
    name: 'an empty namespace selector: all namespaces',
    policies: [ingress(pod('a'), [{ from: [{ namespaceSelector: all }] }])],
    allows: everybody,
  },
  {
    name: 'a namespace by its name label',
    policies: [
      ingress(pod('a'), [{ from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'z' } } }] }]),
    ],
    allows: only(toXA, fromOneOf('z')),
  },
  {
    name: 'namespace AND pod, in one peer',
    policies: [ingress(pod('a'), [{ from: [{ namespaceSelector: ns('y'), podSelector: pod('b') }] }])],
    allows: only(toXA, fromOneOf('y/b')),
  },
  {
    name: 'namespace OR pod, in two peers',
    policies: [ingress(pod('a'), [{ from: [{ namespaceSelector: ns('y') }, { podSelector: pod('b') }] }])],
    allows: only(toXA, fromOneOf('y', 'x/b')),
  },
  {
    name: 'namespaces by expression AND pods by expression',
    policies: [ingress(pod('a'), [{ from: [{ namespaceSelector: ns('x', 'z'), podSelector: pod('b', 'c') }] }])],
    allows: only(toXA, fromOneOf('x/b', 'x/c', 'z/b', 'z/c')),
  },
  {
    name: 'NotIn: all namespaces but one',
    policies: [
      ingress(pod('a'), [
        { from: [{ namespaceSelector: { matchExpressions: [{ key: 'ns', operator: 'NotIn', values: ['x'] }] } }] },
      ]),
    ],
    allows: only(toXA, fromOneOf('y', 'z')),
  },
  {
    name: 'one port',
    policies: [ingress(pod('a'), [{ ports: [tcp(81)] }])],
    allows: only(toXA, ({ port }) => port === 81),
  },
  {
    name: 'a port AND a namespace',
    policies: [ingress(pod('a'), [{ ports: [tcp(81)], from: [{ namespaceSelector: ns('y') }] }])],
    allows: only(toXA, (one) => one.port === 81 && fromOneOf('y')(one)),
  },
  {
    name: 'two rules with a port each are added up',
    policies: [ingress(pod('a'), [{ ports: [tcp(80)], from: [{ namespaceSelector: ns('y') }] }, { ports: [tcp(81)] }])],
    allows: only(toXA, (one) => one.port === 81 || fromOneOf('y')(one)),
  },
  {
    name: 'two policies are added up',
    policies: [ingress(pod('a'), [{ ports: [tcp(81)] }]), ingress(pod('a'), [{ ports: [tcp(80)] }])],
    allows: everybody,
  },
  {
    name: 'allow-all beats deny-all',
    policies: [ingress(all, []), ingress(all, [{}])],
    allows: everybody,
  },
  {
    name: 'a named port',
    policies: [ingress(pod('a'), [{ ports: [tcp('serve-81-tcp')] }])],
    allows: only(toXA, ({ port }) => port === 81),
  },
  {
    name: 'a named port AND a namespace',
    policies: [ingress(pod('a'), [{ ports: [tcp('serve-80-tcp')], from: [{ namespaceSelector: ns('x') }] }])],
    allows: only(toXA, (one) => one.port === 80 && fromX(one)),
  },
  {
    name: 'a named port that nobody has allows nothing',
    policies: [ingress(pod('a'), [{ ports: [tcp('no-such-port')] }])],
    allows: only(toXA, nobody),
  },
  {
    name: 'a range of ports',
    policies: [ingress(pod('a'), [{ ports: [tcp(81, 90)] }])],
    allows: only(toXA, ({ port }) => port === 81),
  },
  {
    name: 'a range of ports, on the way out',
    policies: [egress(pod('a'), [{ ports: [tcp(1, 80)] }])],
    allows: only(fromXA, ({ port }) => port === 80),
  },
  {
    name: 'egress to one port',
    policies: [egress(pod('a'), [{ ports: [tcp(80)] }])],
    allows: only(fromXA, ({ port }) => port === 80),
  },
  {
    name: 'egress to a named port',
    policies: [egress(pod('a'), [{ ports: [tcp('serve-80-tcp')] }])],
    allows: only(fromXA, ({ port }) => port === 80),
  },
  {
    name: 'egress to a namespace',
    policies: [egress(pod('a'), [{ to: [{ namespaceSelector: ns('y') }] }])],
    allows: only(fromXA, toOneOf('y')),
  },
  {
    name: 'egress to pods of other namespaces',
    policies: [egress(pod('a'), [{ to: [{ namespaceSelector: ns('y', 'z'), podSelector: pod('b') }] }])],
    allows: only(fromXA, toOneOf('y/b', 'z/b')),
  },
  {
    name: 'both directions have to allow',
    policies: [
      egress(pod('a'), [{ to: [{ namespaceSelector: ns('y') }] }]),
      ingress(pod('a'), [{ from: [{ podSelector: pod('c') }] }]),
    ],
    namespaces: ['x', 'y'],
    allows: (one) => {
      if (one.to === 'y/a') return one.from === 'y/c'
      return only(fromXA, toOneOf('y'))(one)
    },
  },
  {
    name: 'several pods at once',
    policies: [ingress(pod('a', 'b'), [{ from: [{ namespaceSelector: ns('z') }] }])],
    allows: only(toOneOf('x/a', 'x/b'), fromOneOf('z')),
  },
  {
    name: 'a block of addresses, on the way out',
    policies: [egress(pod('a'), [{ to: [block(host('y/b'))] }])],
    allows: only(fromXA, toOneOf('y/b')),
  },
  {
    name: 'a block with exceptions',
    policies: [egress(pod('a'), [{ to: [block('10.244.1.0/24', '10.244.1.20/30')] }])],
    allows: only(fromXA, toOneOf('x')),
  },
  {
    name: 'what another policy allows beats an exception',
    policies: [
      egress(pod('a'), [{ to: [block('10.244.1.0/24', host('x/b'))] }]),
      egress(pod('a'), [{ to: [block(host('x/b'))] }]),
    ],
    allows: only(fromXA, toOneOf('x', 'y')),
  },
  {
    name: 'a block of addresses, on the way in',
    policies: [ingress(pod('a'), [{ from: [block('10.244.2.0/24', host('z/b'))] }])],
    allows: only(toXA, fromOneOf('z/a', 'z/c')),
  },
  {
    name: 'a block OR a pod',
    policies: [ingress(pod('a'), [{ from: [block(host('z/b')), { podSelector: pod('b') }] }])],
    allows: only(toXA, fromOneOf('z/b', 'x/b')),
  },
  {
    name: 'labels of a pod changed: now it is selected as a peer',
    policies: [
      ingress(pod('a'), [{ from: [{ namespaceSelector: all, podSelector: { matchLabels: { friend: 'yes' } } }] }]),
    ],
    labels: { 'z/c': { friend: 'yes' } },
    allows: only(toXA, fromOneOf('z/c')),
  },
  {
    name: 'labels of a pod changed: now it is protected',
    policies: [ingress({ matchLabels: { shy: 'yes' } }, [])],
    labels: { 'x/b': { shy: 'yes' } },
    allows: only(toOneOf('x/b'), nobody),
  },
  {
    name: 'labels of a namespace changed',
    policies: [ingress(pod('a'), [{ from: [{ namespaceSelector: { matchLabels: { team: 'blue' } } }] }])],
    labels: { y: { team: 'blue' } },
    allows: only(toXA, fromOneOf('y')),
  },
  {
    name: 'UDP and not TCP',
    policies: [ingress(pod('a'), [{ ports: [{ protocol: 'UDP', port: 80 }] }])],
    protocols: ['TCP', 'UDP'],
    allows: only(toXA, ({ protocol, port }) => protocol === 'UDP' && port === 80),
  },
  {
    name: 'a whole protocol',
    policies: [egress(pod('a'), [{ ports: [{ protocol: 'UDP' }] }])],
    protocols: ['TCP', 'UDP'],
    allows: only(fromXA, ({ protocol }) => protocol === 'UDP'),
  },
  {
    name: 'SCTP and not TCP',
    policies: [ingress(pod('a'), [{ ports: [{ protocol: 'SCTP', port: 80 }] }])],
    protocols: ['TCP', 'SCTP'],
    allows: only(toXA, ({ protocol, port }) => protocol === 'SCTP' && port === 80),
  },
  {
    name: 'policies of one namespace say nothing of another',
    policies: [ingress(all, [])],
    namespaces: ['y'],
    allows: only(toOneOf('y'), nobody),
  },
]

/** The policies of a case as objects. */
export const policyObjects = ({ policies, namespaces = [] }: PolicyCase): readonly NetworkPolicy[] =>
  policies.map((spec, at) => ({
    ...{ apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
    metadata: { name: `policy-${at}`, namespace: namespaces[at] ?? 'x' },
    spec,
  }))

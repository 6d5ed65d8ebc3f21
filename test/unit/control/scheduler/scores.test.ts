import t from 'tap'
import type { Node, Pod, PodSpec, Taint, Toleration } from '../../../../src/api/types/index.ts'
import { best } from '../../../../src/control/scheduler/decide.ts'
import { plugins, statesOf } from './cluster-of.ts'

const node = (
  name: string,
  more: { readonly cpu?: string; readonly memory?: string; readonly taints?: readonly Taint[] } = {},
): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name } },
  spec: more.taints ? { taints: more.taints } : {},
  status: { allocatable: { cpu: more.cpu ?? '4', memory: more.memory ?? '4Gi', pods: '100' } },
})

const pod = (name: string, nodeName = '', spec: Partial<PodSpec> = {}, owner?: string): Pod => ({
  ...{ apiVersion: 'v1', kind: 'Pod' },
  metadata: {
    ...{ name, namespace: 'default', uid: name },
    ...(owner
      ? { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: owner, uid: owner, controller: true }] }
      : {}),
  },
  spec: { containers: [{ name: 'main' }], nodeName, ...spec },
})

const asking = (requests: Readonly<Record<string, string>>): Partial<PodSpec> => ({
  containers: [{ name: 'main', resources: { requests } }],
})

const chosen = (wanted: Pod, nodes: readonly Node[], running: readonly Pod[] = []): string | undefined => {
  const states = statesOf(nodes, running)
  const snapshot = { nodes: states, namespaceLabels: () => undefined }
  return best(wanted, states, snapshot, plugins.scores)?.node.metadata.name
}

const withImage = (on: Node, name: string, mebibytes: number): Node => ({
  ...on,
  status: { ...on.status, images: [{ names: [name], sizeBytes: mebibytes * 2 ** 20 }] },
})

const two = [node('n1'), node('n2')]
const preferNot: Taint = { key: 'own', value: 'db', effect: 'PreferNoSchedule' }
const tolerating = (toleration: Toleration): Partial<PodSpec> => ({ tolerations: [toleration] })

const cases: readonly {
  readonly name: string
  readonly found: string | undefined
  readonly wanted: string | undefined
}[] = [
  { name: 'nowhere', found: chosen(pod('p'), []), wanted: undefined },
  { name: 'of equal ones the first', found: chosen(pod('p'), two), wanted: 'n1' },
  {
    name: 'few pods of the same owner count for more than few pods',
    found: chosen(pod('p', '', {}, 'rs'), two, [pod('a', 'n1', {}, 'rs'), pod('b', 'n2'), pod('c', 'n2')]),
    wanted: 'n2',
  },
  {
    name: 'pods of other owners are only pods',
    found: chosen(pod('p', '', {}, 'rs'), two, [pod('a', 'n1', {}, 'x')]),
    wanted: 'n2',
  },
  { name: 'few pods', found: chosen(pod('p'), two, [pod('a', 'n1'), pod('b', 'n1'), pod('c', 'n2')]), wanted: 'n2' },
  {
    name: 'CPU that is left',
    found: chosen(pod('p', '', asking({ cpu: '1' })), [node('n1'), node('n2', { cpu: '8' })]),
    wanted: 'n2',
  },
  {
    name: 'memory that is left',
    found: chosen(pod('p', '', asking({ memory: '1Gi' })), [node('n1'), node('n2', { memory: '8Gi' })]),
    wanted: 'n2',
  },
  {
    name: 'what others have asked for is not left',
    found: chosen(pod('p', '', asking({ cpu: '1' })), two, [
      pod('a', 'n1', asking({ cpu: '3', memory: '3Gi' })),
      pod('b', 'n2', asking({ cpu: '1', memory: '1Gi' })),
    ]),
    wanted: 'n2',
  },
  {
    name: 'a node that has given out more than it has is no worse than full',
    found: chosen(
      pod('p', '', asking({ memory: '1Gi' })),
      [node('n1'), node('n2')],
      [pod('a', 'n1', asking({ cpu: '40' })), pod('b', 'n2', asking({ cpu: '4', memory: '1Gi' }))],
    ),
    wanted: 'n1',
  },
  { name: 'better not', found: chosen(pod('p'), [node('n1', { taints: [preferNot] }), node('n2')]), wanted: 'n2' },
  {
    name: 'the fewer the better',
    found: chosen(pod('p'), [
      node('n1', { taints: [preferNot, { ...preferNot, key: 'b' }] }),
      node('n2', { taints: [preferNot] }),
    ]),
    wanted: 'n2',
  },
  {
    name: 'a taint that is tolerated counts for nothing',
    found: chosen(pod('p', '', tolerating({ key: 'own', operator: 'Exists' })), [
      node('n1', { taints: [preferNot] }),
      node('n2'),
    ]),
    wanted: 'n1',
  },
  {
    name: 'a taint of another effect is no matter of taste',
    found: chosen(pod('p'), [node('n1', { taints: [{ ...preferNot, effect: 'NoSchedule' }] }), node('n2')]),
    wanted: 'n1',
  },
  {
    name: 'a taint counts for more than few pods',
    found: chosen(pod('p'), [node('n1', { taints: [preferNot] }), node('n2')], [pod('a', 'n2'), pod('b', 'n2')]),
    wanted: 'n2',
  },
  {
    name: 'preferred nodes, the heavier wish first',
    found: chosen(
      pod('p', '', {
        affinity: {
          nodeAffinity: {
            preferredDuringSchedulingIgnoredDuringExecution: [
              { weight: 10, preference: { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] } },
              { weight: 20, preference: { matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n2'] }] } },
            ],
          },
        },
      }),
      two,
    ),
    wanted: 'n2',
  },
  {
    name: 'a large image that is there, named without its tag',
    found: chosen(pod('p', '', { containers: [{ name: 'main', image: 'example.com/app' }] }), [
      node('n1'),
      withImage(node('n2'), 'example.com/app:latest', 900),
    ]),
    wanted: 'n2',
  },
  {
    name: 'a small image is fetched in no time',
    found: chosen(pod('p', '', { containers: [{ name: 'main', image: 'example.com/app:1' }] }), [
      node('n1'),
      withImage(node('n2'), 'example.com/app:1', 20),
    ]),
    wanted: 'n1',
  },
]

for (const { name, found, wanted } of cases) t.equal(found, wanted, name)

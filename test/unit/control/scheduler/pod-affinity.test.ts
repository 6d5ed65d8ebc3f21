import t from 'tap'
import type { LabelSelector, Pod, PodSpec } from '../../../../src/api/types/index.ts'
import type { PodAffinityTerm } from '../../../../src/api/types/kubernetes/core-v1.ts'
import { decide } from '../../../../src/control/scheduler/decide.ts'
import { node, plugins, pod, snapshotOf } from './cluster-of.ts'

const nodes = [node('n1', { zone: 'a' }), node('n2', { zone: 'a' }), node('n3', { zone: 'b' })]
const web: LabelSelector = { matchLabels: { app: 'web' } }

const term = (more: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
  ...{ topologyKey: 'zone', labelSelector: web },
  ...more,
})
const near = (...terms: PodAffinityTerm[]): Partial<PodSpec> => ({
  affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
})
const far = (...terms: PodAffinityTerm[]): Partial<PodSpec> => ({
  affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
})
const liked = (kind: 'podAffinity' | 'podAntiAffinity', weight: number, one = term()): Partial<PodSpec> => ({
  affinity: { [kind]: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm: one }] } },
})
const running = (nodeName: string, labels = { app: 'web' }, spec: Partial<PodSpec> = {}, namespace = 'default'): Pod =>
  pod(`on-${nodeName}-${Object.values(labels).join('-')}`, { nodeName, ...spec }, { labels, namespace })

const namespaces = { default: { team: 'x' }, other: { team: 'y' } }

const choose = (wanted: Pod, pods: readonly Pod[]): string => {
  const decision = decide(wanted, snapshotOf(nodes, pods, namespaces), plugins)
  return 'state' in decision ? decision.state.node.metadata.name : decision.message
}

const none = (reason: string): string => `0/3 nodes are available: ${reason}.`
const tooFar = none("3 node(s) didn't match pod affinity rules")

const cases: readonly [name: string, found: string, wanted: string][] = [
  ['near a pod: its zone', choose(pod('p', near(term())), [running('n3')]), 'n3'],
  ['near a pod that is nowhere', choose(pod('p', near(term())), []), tooFar],
  ['the first of its kind', choose(pod('p', near(term()), { labels: { app: 'web' } }), []), 'n1'],
  [
    'the first of its kind, where there is no such part',
    choose(pod('p', near(term({ topologyKey: 'rack' })), { labels: { app: 'web' } }), []),
    tooFar,
  ],
  [
    'all terms',
    choose(pod('p', near(term(), term({ labelSelector: { matchLabels: { app: 'db' } } }))), [running('n3')]),
    tooFar,
  ],
  ['a pod of another namespace', choose(pod('p', near(term())), [running('n3', undefined, {}, 'other')]), tooFar],
  [
    'namespaces by name',
    choose(pod('p', near(term({ namespaces: ['other'] }))), [running('n3', undefined, {}, 'other')]),
    'n3',
  ],
  [
    'namespaces by labels',
    choose(pod('p', near(term({ namespaceSelector: { matchLabels: { team: 'y' } } }))), [
      running('n3', undefined, {}, 'other'),
    ]),
    'n3',
  ],
  [
    'all namespaces',
    choose(pod('p', near(term({ namespaceSelector: {} }))), [running('n3', undefined, {}, 'other')]),
    'n3',
  ],
  ['no selector selects nobody', choose(pod('p', near({ topologyKey: 'zone' })), [running('n3')]), tooFar],
  ['far from a pod: not in its zone', choose(pod('p', far(term())), [running('n1')]), 'n3'],
  [
    'far from a pod: not on its node',
    choose(pod('p', far(term({ topologyKey: 'kubernetes.io/hostname' }))), [running('n1'), running('n3')]),
    'n2',
  ],
  [
    'pods of a kind on a node each, one too many',
    choose(pod('p', far(term({ topologyKey: 'kubernetes.io/hostname' })), { labels: { app: 'web' } }), [
      ...['n1', 'n2', 'n3'].map((name) => running(name)),
    ]),
    none("3 node(s) didn't match pod anti-affinity rules"),
  ],
  [
    'those that are there do not want it',
    choose(pod('p', {}, { labels: { app: 'web' } }), [
      running('n1', { app: 'db' }, far(term())),
      running('n3', { app: 'db' }, far(term())),
    ]),
    none("3 node(s) didn't satisfy existing pods anti-affinity rules"),
  ],
  [
    'those that are there, by the namespaces of theirs',
    choose(pod('p', {}, { labels: { app: 'web' } }), [
      running('n1', { app: 'db' }, far(term({ namespaces: ['other'] }))),
      running('n3', { app: 'db' }, far(term())),
    ]),
    'n2',
  ],
  [
    'label keys: only pods of the same value',
    choose(pod('p', far(term({ matchLabelKeys: ['rev'] })), { labels: { app: 'web', rev: '2' } }), [
      pod('a', { nodeName: 'n1' }, { labels: { app: 'web', rev: '1' } }),
      pod('b', { nodeName: 'n3' }, { labels: { app: 'web', rev: '2' } }),
    ]),
    'n2',
  ],
  [
    'label keys: only pods of other values',
    choose(pod('p', far(term({ mismatchLabelKeys: ['rev'] })), { labels: { app: 'web', rev: '2' } }), [
      pod('a', { nodeName: 'n1' }, { labels: { app: 'web', rev: '1' } }),
      pod('b', { nodeName: 'n3' }, { labels: { app: 'web', rev: '2' } }),
    ]),
    'n3',
  ],
  ['rather near', choose(pod('p', liked('podAffinity', 100)), [running('n3')]), 'n3'],
  ['rather far', choose(pod('p', liked('podAntiAffinity', 100)), [running('n1'), running('n2', { app: 'x' })]), 'n3'],
  [
    'those that are there would like it near',
    choose(pod('p', {}, { labels: { app: 'web' } }), [running('n3', { app: 'db' }, liked('podAffinity', 50))]),
    'n3',
  ],
  [
    'those that are there would rather not',
    choose(pod('p', {}, { labels: { app: 'web' } }), [
      running('n3', { app: 'db' }, liked('podAntiAffinity', 50)),
      running('n1', { app: 'x' }),
      running('n2', { app: 'x' }),
    ]),
    'n1',
  ],
]

t.test('where pods go because of others', async (t) => {
  for (const [name, found, wanted] of cases) t.equal(found, wanted, name)
})

import { allContainers } from '../../../api/pods.ts'
import type { Pod } from '../../../api/types/index.ts'
import { ageColumn, column, list, nameColumn, wide } from '../columns.ts'
import { define } from '../definition.ts'
import { subdomainName } from '../names.ts'
import { proxyVerbs } from '../verbs.ts'
import { ephemeralContainersPart } from './ephemeral-containers.ts'
import { defaultPodSpec, qosClass } from './pod-defaults.ts'
import { podReadiness, podRestarts, podStatusText } from './pod-status.ts'
import { validateNewPod, validatePod, validatePodUpdate } from './pod-validation.ts'

const isFinished = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed'

/** At once when nothing can be running: never scheduled, or ended already. */
const gracePeriod = (pod: Pod, asked: number | undefined): number => {
  if (!pod.spec.nodeName || isFinished(pod)) return 0
  return asked ?? pod.spec.terminationGracePeriodSeconds ?? 30
}

const gates = ({ spec, status }: Pod): string => {
  const wanted = spec.readinessGates ?? []
  if (wanted.length === 0) return '<none>'
  const holds = wanted.filter(({ conditionType }) =>
    status?.conditions?.some((condition) => condition.type === conditionType && condition.status === 'True'),
  )
  return `${holds.length}/${wanted.length}`
}

export const pod = define<Pod>({
  group: '',
  version: 'v1',
  plural: 'pods',
  singular: 'pod',
  kind: 'Pod',
  namespaced: true,
  shortNames: ['po'],
  categories: ['all'],
  nameRule: subdomainName,
  status: 'separate',
  statusKeeps: ['ownerReferences'],
  subresources: [
    { name: 'attach', kind: 'PodAttachOptions', verbs: ['create', 'get'] },
    { name: 'binding', kind: 'Binding', verbs: ['create'] },
    { name: 'eviction', kind: 'Eviction', verbs: ['create'], group: 'policy', version: 'v1' },
    { name: 'exec', kind: 'PodExecOptions', verbs: ['create', 'get'] },
    { name: 'log', kind: 'Pod', verbs: ['get'] },
    { name: 'portforward', kind: 'PodPortForwardOptions', verbs: ['create', 'get'] },
    { name: 'proxy', kind: 'PodProxyOptions', verbs: proxyVerbs },
  ],
  parts: { ephemeralcontainers: ephemeralContainersPart },
  columns: [
    nameColumn,
    column('Ready', podReadiness, 'How many of its containers are ready'),
    column('Status', podStatusText, 'What the pod is doing, or what keeps it from running'),
    column('Restarts', podRestarts, 'How often its containers were restarted, and when last'),
    ageColumn,
    wide('IP', (p) => p.status?.podIPs?.[0]?.ip ?? p.status?.podIP ?? '<none>', 'Its address in the cluster'),
    wide('Node', (p) => p.spec.nodeName || '<none>', 'The node it is bound to'),
    wide('Nominated Node', (p) => p.status?.nominatedNodeName || '<none>', 'The node it waits for'),
    wide('Readiness Gates', gates, 'How many of the conditions it asks for hold'),
  ],
  fields: {
    'spec.nodeName': (p) => p.spec.nodeName ?? '',
    'spec.restartPolicy': (p) => p.spec.restartPolicy ?? '',
    'spec.schedulerName': (p) => p.spec.schedulerName ?? '',
    'spec.serviceAccountName': (p) => p.spec.serviceAccountName ?? '',
    'spec.hostNetwork': (p) => String(p.spec.hostNetwork ?? false),
    'status.phase': (p) => p.status?.phase ?? '',
    'status.podIP': (p) => p.status?.podIP ?? '',
    'status.podIPs': (p) =>
      list(
        (p.status?.podIPs ?? []).map(({ ip }) => ip),
        '',
      ),
    'status.nominatedNodeName': (p) => p.status?.nominatedNodeName ?? '',
  },
  defaults: (p) => ({ ...p, spec: defaultPodSpec(p.spec ?? { containers: [] }, 'pod') }),
  onCreate: (p) => ({ ...p, status: { phase: 'Pending', qosClass: qosClass(allContainers(p)) } }),
  validate: validatePod,
  validateCreate: validateNewPod,
  validateUpdate: validatePodUpdate,
  gracePeriod,
})

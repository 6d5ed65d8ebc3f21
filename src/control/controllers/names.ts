/** Which controllers run: `--controllers`, as kube-controller-manager has it. Pure. */

/** Those that can be switched, each with the shorter name that is accepted, too. Where Kubernetes has the controller, both names are its own. */
const aliases = {
  'serviceaccount-controller': 'serviceaccount',
  'root-ca-certificate-publisher-controller': 'root-ca-cert-publisher',
  'serviceaccount-token-controller': 'serviceaccount-token',
  'certificatesigningrequest-approving-controller': 'csrapproving',
  'certificatesigningrequest-signing-controller': 'csrsigning',
  'certificatesigningrequest-cleaner-controller': 'csrcleaner',
  'token-cleaner-controller': 'tokencleaner',
  'node-ipam-controller': 'nodeipam',
  'node-lifecycle-controller': 'nodelifecycle',
  'pod-garbage-collector-controller': 'podgc',
  'replicaset-controller': 'replicaset',
  'replicationcontroller-controller': 'replicationcontroller',
  'deployment-controller': 'deployment',
  'daemonset-controller': 'daemonset',
  'statefulset-controller': 'statefulset',
  'job-controller': 'job',
  'ttl-after-finished-controller': 'ttl-after-finished',
  'cronjob-controller': 'cronjob',
  'disruption-controller': 'disruption',
  'horizontal-pod-autoscaler-controller': 'horizontalpodautoscaling',
  'endpointslice-controller': 'endpointslice',
  'endpointslice-mirroring-controller': 'endpointslicemirroring',
  'garbage-collector-controller': 'garbagecollector',
  'namespace-controller': 'namespace',
  'resourcequota-controller': 'resourcequota',
  'persistentvolume-binder-controller': 'persistentvolume-binder',
  'persistentvolume-expander-controller': 'persistentvolume-expander',
  'persistentvolumeclaim-protection-controller': 'pvc-protection',
  'persistentvolume-protection-controller': 'pv-protection',
  'ephemeral-volume-controller': 'ephemeral-volume',
  'host-path-provisioner-controller': 'host-path-provisioner',
  'clusterrole-aggregation-controller': 'clusterrole-aggregation',
  'service-lb-controller': 'service',
  'ingress-status-controller': 'ingress-status',
  'ingress-problems-controller': 'ingress-problems',
  'gateway-status-controller': 'gateway-status',
} as const

export type ControllerName = keyof typeof aliases

/** What can be left to others: a controller, or the scheduler, which is not among the controllers that are switched by name. */
export type ComponentName = ControllerName | 'kube-scheduler'

const isController = (name: string): name is ControllerName => Object.hasOwn(aliases, name)

export const controllerNames: readonly ControllerName[] = Object.keys(aliases).filter(isController)

const controllerOf = (word: string): ControllerName => {
  const found = controllerNames.find((name) => name === word || aliases[name] === word)
  if (!found) throw new Error(`"${word}" is not in the list of known controllers: ${controllerNames.join(', ')}`)
  return found
}

interface Choice {
  readonly isWanted: boolean
  readonly name: ControllerName | '*'
}

const choiceOf = (word: string): Choice => {
  if (word === '*') return { isWanted: true, name: '*' }
  const isWanted = !word.startsWith('-')
  return { isWanted, name: controllerOf(isWanted ? word : word.slice(1)) }
}

/**
 * The controllers that do not run: of `*` all run, of `foo` that one, of `-foo` not that one. What comes first counts, and what
 * nobody names does not run without a `*`. Throws an Error that names what is wrong.
 */
export const disabledControllers = (selection: string): readonly ControllerName[] => {
  const words = selection.split(',').map((word) => word.trim())
  const choices = words.filter((word) => word !== '').map(choiceOf)
  const others = choices.some(({ name }) => name === '*')
  return controllerNames.filter((name) => !(choices.find((choice) => choice.name === name)?.isWanted ?? others))
}

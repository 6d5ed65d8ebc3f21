/** What Kubernetes fills into a pod (core/v1 defaults). Pods and pod templates share all but a few lines. */
import { parseQuantity } from '../../../api/quantity.ts'
import type {
  Container,
  ContainerPort,
  EnvVar,
  Handler,
  PodSpec,
  PodTemplateSpec,
  Probe,
  ResourceRequirements,
} from '../../../api/types/index.ts'
import { defaultOfPod, defaultVolume } from './volume-defaults.ts'

const component = '[a-z0-9]+(?:(?:\\.|_|__|-*)[a-z0-9]+)*'
const host = '(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])'
const reference = new RegExp(
  `^(?:${host}(?:\\.${host})*(?::\\d+)?/)?${component}(?:/${component})*(?::(\\w[\\w.-]{0,127}))?(@[A-Za-z][\\w+.-]*:[0-9a-fA-F]{32,})?$`,
)

const longestImage = 255

/** `:latest`, or no tag at all, is pulled every time; a digest never changes. What is no image is left to the runtime. */
const pullPolicy = (image = ''): 'Always' | 'IfNotPresent' => {
  const [whole, tag, digest] = (image.length <= longestImage && reference.exec(image)) || []
  if (whole === undefined || digest !== undefined) return 'IfNotPresent'
  return tag === undefined || tag === 'latest' ? 'Always' : 'IfNotPresent'
}

const defaultHandler = <T extends Handler>(handler: T): T =>
  handler.httpGet ? { ...handler, httpGet: { path: '/', scheme: 'HTTP', ...handler.httpGet } } : handler

const defaultProbe = (probe: Probe): Probe => ({
  timeoutSeconds: 1,
  periodSeconds: 10,
  successThreshold: 1,
  failureThreshold: 3,
  ...defaultHandler(probe),
})

const defaultEnv = (variable: EnvVar): EnvVar =>
  variable.valueFrom ? { ...variable, valueFrom: defaultOfPod(variable.valueFrom) } : variable

/** A limit without a request is a request too. */
const defaultResources = (resources: ResourceRequirements = {}): ResourceRequirements =>
  resources.limits ? { ...resources, requests: { ...resources.limits, ...resources.requests } } : resources

const defaultPort =
  (hostNetwork: boolean) =>
  (port: ContainerPort): ContainerPort => ({
    protocol: 'TCP',
    ...(hostNetwork && port.hostPort === undefined ? { hostPort: port.containerPort } : {}),
    ...port,
  })

const mapped = <K extends string, T>(key: K, value: T | undefined, fill: (value: T) => T) =>
  value === undefined ? {} : ({ [key]: fill(value) } as { readonly [P in K]: T })

const defaultContainer =
  (hostNetwork: boolean, requestsFollowLimits: boolean) =>
  (container: Container): Container => ({
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: pullPolicy(container.image),
    ...container,
    resources: requestsFollowLimits ? defaultResources(container.resources) : (container.resources ?? {}),
    ...mapped('ports', container.ports, (ports) => ports.map(defaultPort(hostNetwork))),
    ...mapped('env', container.env, (env) => env.map(defaultEnv)),
    ...mapped('livenessProbe', container.livenessProbe, defaultProbe),
    ...mapped('readinessProbe', container.readinessProbe, defaultProbe),
    ...mapped('startupProbe', container.startupProbe, defaultProbe),
    ...mapped('lifecycle', container.lifecycle, ({ postStart, preStop, ...lifecycle }) => ({
      ...lifecycle,
      ...mapped('postStart', postStart, defaultHandler),
      ...mapped('preStop', preStop, defaultHandler),
    })),
  })

/** One name in two fields: the older one counts when it is alone. */
const accountNames = ({ serviceAccountName, serviceAccount }: PodSpec) => {
  const name = serviceAccountName || serviceAccount
  return name ? { serviceAccountName: name, serviceAccount: name } : {}
}

/** `template`: as it stands in a Deployment, without what only admission gives a real pod. */
export const defaultPodSpec = (spec: PodSpec, use: 'pod' | 'template'): PodSpec => {
  const container = defaultContainer(spec.hostNetwork ?? false, use === 'pod')
  const filled = {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    schedulerName: 'default-scheduler',
    securityContext: {},
    ...spec,
    ...accountNames(spec),
    containers: (spec.containers ?? []).map(container),
    ...mapped('initContainers', spec.initContainers, (containers) => containers.map(container)),
    ...mapped('ephemeralContainers', spec.ephemeralContainers, (containers) => containers.map(container)),
    ...mapped('volumes', spec.volumes, (volumes) => volumes.map(defaultVolume)),
  } as const
  if (use === 'template') return filled
  return { enableServiceLinks: true, ...filled }
}

export const defaultPodTemplate = (template: PodTemplateSpec | undefined): PodTemplateSpec => ({
  ...template,
  metadata: template?.metadata ?? {},
  spec: defaultPodSpec(template?.spec ?? { containers: [] }, 'template'),
})

const present = (quantities: Readonly<Record<string, string | number>> | undefined): string[] =>
  ['cpu', 'memory'].filter((name) => (parseQuantity(quantities?.[name] ?? '0') ?? 0n) > 0n)

/** Guaranteed: every container limits CPU and memory to what it requests. BestEffort: none says anything. */
export const qosClass = (containers: readonly Container[]): 'Guaranteed' | 'Burstable' | 'BestEffort' => {
  const resources = containers.map((container) => container.resources ?? {})
  if (resources.every(({ limits, requests }) => present(limits).length + present(requests).length === 0))
    return 'BestEffort'
  const guaranteed = resources.every(
    ({ limits, requests }) =>
      present(limits).length === 2 &&
      ['cpu', 'memory'].every(
        (name) => parseQuantity(requests?.[name] ?? limits?.[name] ?? '0') === parseQuantity(limits?.[name] ?? '0'),
      ),
  )
  return guaranteed ? 'Guaranteed' : 'Burstable'
}

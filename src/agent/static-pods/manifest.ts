/** A file of the node as a pod of the node, named and marked as the kubelet does. Pure. */
import { hash } from 'node:crypto'
import { LineCounter, parseDocument } from 'yaml'
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import { checkSubdomain, labelPattern, textRule } from '../../api/names.ts'
import { allContainers } from '../../api/pods.ts'
import type { Pod } from '../../api/types/index.ts'

/** The file describes no pod that this node can run by itself: why. */
export class StaticPodError extends Error {
  override readonly name = 'StaticPodError'
}

type Shape = 'text' | 'texts' | readonly [Fields] | Fields
interface Fields {
  readonly [field: string]: Shape
}

const container: Fields = {
  ...{ name: 'text', image: 'text', workingDir: 'text', imagePullPolicy: 'text', command: 'texts', args: 'texts' },
  ...{ env: [{ name: 'text', value: 'text', valueFrom: {} }], envFrom: [{}], ports: [{}], resources: {} },
  ...{ volumeMounts: [{ name: 'text', mountPath: 'text' }], volumeDevices: [{ name: 'text', devicePath: 'text' }] },
  ...{ securityContext: {}, lifecycle: {}, livenessProbe: {}, readinessProbe: {}, startupProbe: {} },
}

/** What the agent goes through without looking: the rest is read field by field, or checked by the API server. */
const shape: Fields = {
  ...{ apiVersion: 'text', kind: 'text', metadata: { name: 'text', namespace: 'text', labels: {}, annotations: {} } },
  spec: {
    ...{ containers: [container], initContainers: [container], ephemeralContainers: [container] },
    ...{ volumes: [{ name: 'text' }], tolerations: [{}], hostAliases: [{ ip: 'text', hostnames: 'texts' }] },
    ...{ imagePullSecrets: [{}], readinessGates: [{ conditionType: 'text' }], securityContext: {}, dnsConfig: {} },
    ...{
      hostname: 'text',
      subdomain: 'text',
      restartPolicy: 'text',
      serviceAccountName: 'text',
      serviceAccount: 'text',
    },
    ...{ dnsPolicy: 'text', runtimeClassName: 'text', priorityClassName: 'text' },
  },
}

const expect = (isRight: boolean, at: string, what: string): void => {
  if (!isRight) throw new StaticPodError(`${at}: expected ${what}`)
}

const checkShape = (value: unknown, wanted: Shape, at: string): void => {
  if (value === undefined || value === null) return
  if (wanted === 'text') return expect(typeof value === 'string', at, 'a text')
  if (wanted === 'texts' || Array.isArray(wanted)) {
    if (!Array.isArray(value)) return expect(false, at, 'a list')
    const item: Shape = wanted === 'texts' ? 'text' : (wanted[0] ?? {})
    for (const [index, each] of value.entries()) {
      expect(each !== null && each !== undefined, `${at}[${index}]`, 'something')
      checkShape(each, item, `${at}[${index}]`)
    }
    return
  }
  if (!isJsonObject(value)) return expect(false, at, 'a mapping')
  for (const [field, each] of Object.entries(wanted))
    checkShape(value[field], each, at === '' ? field : `${at}.${field}`)
}

const maxAliasCount = 100

/** JSON is YAML. Throws `StaticPodError`. */
const readObject = (text: string): JsonObject => {
  const document = parseDocument(text, { lineCounter: new LineCounter() })
  const [error] = document.errors
  if (error) throw new StaticPodError(`it is no YAML: ${error.message.split('\n')[0]}`)
  const value: unknown = document.toJS({ maxAliasCount })
  if (!isJsonObject(value)) throw new StaticPodError('expected one object, a Pod')
  const { kind, apiVersion } = value
  if (kind !== 'Pod' || apiVersion !== 'v1')
    throw new StaticPodError(
      `expected kind Pod of apiVersion v1, and not ${JSON.stringify(kind)} of ${JSON.stringify(apiVersion)}`,
    )
  return value
}

const isPod = (value: unknown): value is Pod => {
  checkShape(value, shape, '')
  return true
}

const checkLabel = textRule(labelPattern, 63, 'it is no label of a name')

const checkNames = (pod: Pod, name: string): void => {
  const { metadata, spec } = pod
  const wrong = checkSubdomain(name)
  if (wrong !== undefined) throw new StaticPodError(`metadata.name: ${wrong}`)
  const { namespace = 'default' } = metadata
  const names = allContainers(pod).map((each) => each.name)
  if (spec.containers.length === 0) throw new StaticPodError('spec.containers: a pod has at least one')
  for (const each of [namespace, ...names])
    if (typeof each !== 'string' || checkLabel(each) !== undefined)
      throw new StaticPodError(`${JSON.stringify(each)} is no name of a namespace or container`)
  const twice = names.find((each, at) => names.indexOf(each) !== at)
  if (twice !== undefined) throw new StaticPodError(`two containers are called ${JSON.stringify(twice)}`)
}

/** By the fields that refer, wherever they stand. */
const references: Readonly<Record<string, string>> = {
  ...{
    secretKeyRef: 'secrets',
    secretRef: 'secrets',
    secret: 'secrets',
    secretName: 'secrets',
    imagePullSecrets: 'secrets',
  },
  ...{ configMapKeyRef: 'configmaps', configMapRef: 'configmaps', configMap: 'configmaps' },
  ...{
    serviceAccountName: 'serviceaccounts',
    serviceAccount: 'serviceaccounts',
    serviceAccountToken: 'serviceaccounts',
  },
  ...{ persistentVolumeClaim: 'persistentvolumeclaims', ephemeral: 'persistentvolumeclaims' },
}

const referenced = (value: unknown): string | undefined => {
  if (Array.isArray(value)) return value.map(referenced).find((found) => found !== undefined)
  if (!isJsonObject(value)) return undefined
  for (const [field, below] of Object.entries(value)) {
    const found = Object.hasOwn(references, field) && below ? references[field] : referenced(below)
    if (found !== undefined) return found
  }
  return undefined
}

/** Those that every cluster has: how urgent a pod is has to be known without the API. */
const systemPriorities: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
}

const priorityOf = ({ priority, priorityClassName = '' }: Pod['spec']): { readonly priority?: number } => {
  const known = Object.hasOwn(systemPriorities, priorityClassName) ? systemPriorities[priorityClassName] : undefined
  const found = known ?? priority
  return found === undefined ? {} : { priority: found }
}

const textsOf = (value: Readonly<Record<string, unknown>> = {}, at: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      if (typeof each === 'string') return [key, each]
      throw new StaticPodError(`${at}.${key}: expected a text: ${JSON.stringify(each)} needs quotes`)
    }),
  )

export const hashAnnotation = 'kubernetes.io/config.hash'

export interface ManifestPlace {
  readonly file: string
  readonly nodeName: string
  /** RFC 3339. */
  readonly seen: string
}

/** The pod of a file. Its uid changes with the file. Throws `StaticPodError`. */
export const staticPodOf = (text: string, { file, nodeName, seen }: ManifestPlace): Pod => {
  const read: unknown = readObject(text)
  if (!isPod(read)) throw new StaticPodError('expected a Pod')
  const { metadata, spec } = read
  if (!metadata?.name) throw new StaticPodError('metadata.name: the pod has no name')
  if (!Array.isArray(spec?.containers)) throw new StaticPodError('spec.containers: a pod has at least one')
  const name = `${metadata.name}-${nodeName}`
  checkNames(read, name)
  const refersTo = referenced(spec)
  if (refersTo !== undefined) throw new StaticPodError(`static pods may not reference ${refersTo}`)
  if ((spec.ephemeralContainers ?? []).length > 0)
    throw new StaticPodError('spec.ephemeralContainers: they are added to a pod that runs')
  const uid = hash('sha256', JSON.stringify([read, nodeName, file])).slice(0, 32)
  return {
    ...{ apiVersion: 'v1', kind: 'Pod' },
    metadata: {
      ...{ name, namespace: metadata.namespace ?? 'default', uid, labels: textsOf(metadata.labels, 'metadata.labels') },
      annotations: {
        ...textsOf(metadata.annotations, 'metadata.annotations'),
        ...{ [hashAnnotation]: uid, 'kubernetes.io/config.seen': seen, 'kubernetes.io/config.source': 'file' },
      },
    },
    spec: {
      ...spec,
      ...priorityOf(spec),
      nodeName,
      // Whatever becomes of the node, it stays.
      tolerations: [...(spec.tolerations ?? []), { operator: 'Exists', effect: 'NoExecute' }],
    },
    status: { phase: 'Pending' },
  }
}

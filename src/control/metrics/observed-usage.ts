/** `metrics.k8s.io`: what nodes and pods use, as metrics-server tells it. A node speaks for its own pods alone. */
import { formatTime } from '../../api/clock.ts'
import { notFound } from '../../api/errors.ts'
import { formatQuantity } from '../../api/quantity.ts'
import type { KubeObject, Node, ObjectMeta, Pod, StringMap } from '../../api/types/index.ts'
import type { NodeMetrics, PodMetrics } from '../../api/types/kubernetes/metrics-v1beta1.ts'
import { bucketOf } from '../resources/definition.ts'
import { nodeMetrics } from '../resources/metrics/node-metrics.ts'
import { podMetrics } from '../resources/metrics/pod-metrics.ts'
import type { Observer } from '../server/resources.ts'
import type { Store } from '../storage/store.ts'
import { createNodeReadings, type NodeReadingsOptions } from './node-readings.ts'
import type { Usage } from './summary.ts'

export interface ObservedUsageOptions extends NodeReadingsOptions {
  readonly store: Store
}

const group = 'metrics.k8s.io'
const apiVersion = `${group}/v1beta1`

const usageOf = ({ nanoCores, workingSetBytes }: Usage): StringMap => ({
  cpu: formatQuantity(`${nanoCores}n`),
  memory: workingSetBytes < 1024 ? String(workingSetBytes) : formatQuantity(`${Math.floor(workingSetBytes / 1024)}Ki`),
})

/** Of several windows, the one that ended first. */
const windowOf = (usages: readonly Usage[]) => {
  const { at, windowSeconds } = usages.reduce((first, each) => (each.at < first.at ? each : first))
  return { timestamp: formatTime(at), window: `${windowSeconds}s` }
}

/** As metrics-server names them in errors, unlike their paths. */
const named = (plural: string) => ({ group, plural })

export const observedUsage = (options: ObservedUsageOptions): Readonly<Record<string, Observer>> => {
  const { store, clock } = options
  const readings = createNodeReadings(options)

  const metadataOf = ({ metadata: { name, namespace, labels } }: KubeObject): ObjectMeta => ({
    name,
    ...(namespace === undefined ? {} : { namespace }),
    creationTimestamp: formatTime(clock.now()),
    ...(labels ? { labels } : {}),
  })

  const ofNode = async (node: Node): Promise<NodeMetrics | undefined> => {
    const usage = (await readings.of(node.metadata.name))?.node
    if (!usage) return undefined
    const metadata = metadataOf(node)
    return { apiVersion, kind: nodeMetrics.kind, metadata, ...windowOf([usage]), usage: usageOf(usage) }
  }

  const ofPod = async (pod: Pod): Promise<PodMetrics | undefined> => {
    const { nodeName } = pod.spec
    if (!nodeName || pod.status?.phase !== 'Running') return undefined
    const reading = await readings.of(nodeName)
    const found = reading?.pods.get(`${pod.metadata.namespace}/${pod.metadata.name}`)
    const { initContainers = [], containers: main, ephemeralContainers = [] } = pod.spec
    const known = [initContainers, main, ephemeralContainers].flat().flatMap(({ name }) => {
      const usage = found?.get(name)
      return usage ? [{ name, usage }] : []
    })
    if (known.length === 0) return undefined
    const containers = known.map(({ name, usage }) => ({ name, usage: usageOf(usage) }))
    const window = windowOf(known.map(({ usage }) => usage))
    return { apiVersion, kind: podMetrics.kind, metadata: metadataOf(pod), ...window, containers }
  }

  const observer = <T extends KubeObject>(
    bucket: string,
    measure: (object: T) => Promise<KubeObject | undefined>,
    missing: (key: string) => Error,
  ): Observer => ({
    list: async (namespace) => {
      const objects = store.list(bucket).entries.map(({ object }) => object as T)
      const meant = objects.filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace)
      return (await Promise.all(meant.map(measure))).filter((found) => found !== undefined)
    },
    get: async ({ namespace, name }) => {
      const key = namespace === undefined ? name : `${namespace}/${name}`
      const object = store.get({ bucket, name: key })?.object as T | undefined
      if (!object) throw notFound({ group: '', plural: bucket }, name)
      const found = await measure(object)
      if (!found) throw missing(key)
      return found
    },
  })

  return {
    [bucketOf(nodeMetrics)]: observer<Node>('nodes', ofNode, (key) => notFound(named('nodemetrics'), key)),
    [bucketOf(podMetrics)]: observer<Pod>('pods', ofPod, (key) => notFound(named('podmetrics'), key)),
  }
}

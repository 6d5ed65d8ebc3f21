/** What the metrics APIs say. Whoever serves them may be a stranger: what is no number is not there. */
import type { Client } from '../../../api/client.ts'
import { isNotFound } from '../../../api/errors.ts'
import { isJsonObject } from '../../../api/json.ts'
import { parseQuantity, quantityMilli } from '../../../api/quantity.ts'
import { formatLabelSelector } from '../../../api/selectors.ts'
import type { CrossVersionObjectReference, MetricIdentifier } from '../../../api/types/kubernetes/autoscaling-v2.ts'
import type { Informers } from '../informers.ts'
import type { Sample, Samples } from './proposal.ts'

export interface MetricReadings {
  /** What the pods use of a resource, or one container of each. */
  resource(namespace: string, selector: string, resource: string, container?: string): Promise<Samples>
  pods(namespace: string, selector: string, metric: MetricIdentifier): Promise<Samples>
  object(namespace: string, about: CrossVersionObjectReference, metric: MetricIdentifier): Promise<number>
  external(namespace: string, metric: MetricIdentifier): Promise<number>
}

type Json = Readonly<Record<string, unknown>>

const itemsOf = (answer: unknown): readonly Json[] => {
  const items = isJsonObject(answer) ? answer['items'] : undefined
  return Array.isArray(items) ? items.filter(isJsonObject) : []
}

const milliOf = (value: unknown): number | undefined =>
  (typeof value === 'string' || typeof value === 'number') && parseQuantity(value) !== undefined
    ? quantityMilli(value)
    : undefined

const textAt = (object: unknown, field: string): string => {
  const value = isJsonObject(object) ? object[field] : undefined
  return typeof value === 'string' ? value : ''
}

/** `30s`, `1m0s` */
const windowMs = (text: string): number =>
  [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)].reduce(
    (sum, [, count, unit]) =>
      sum + Number(count) * (unit === 'h' ? 3_600_000 : unit === 'm' ? 60_000 : unit === 's' ? 1_000 : 1),
    0,
  )

const usageOf = (item: Json, resource: string, container: string | undefined): number | undefined => {
  const containers = Array.isArray(item['containers']) ? item['containers'].filter(isJsonObject) : []
  const meant = containers.filter((each) => container === undefined || each['name'] === container)
  const amounts = meant.map(({ usage }) => milliOf(isJsonObject(usage) ? usage[resource] : undefined))
  let total = 0
  for (const amount of amounts) {
    if (amount === undefined) return undefined
    total += amount
  }
  return amounts.length === 0 ? undefined : total
}

const samplesOf = (
  items: readonly Json[],
  nameOf: (item: Json) => string,
  milli: (item: Json) => number | undefined,
  window: (item: Json) => number,
): Samples =>
  new Map(
    items.flatMap((item): [string, Sample][] => {
      const amount = milli(item)
      const at = Date.parse(textAt(item, 'timestamp')) || 0
      return amount === undefined ? [] : [[nameOf(item), { milli: amount, at, windowMs: window(item) }]]
    }),
  )

const customVersions = ['v1beta2', 'v1beta1'] as const

export const createReadings = (client: Client, informers: Informers): MetricReadings => {
  /** Of the versions that there are, the newest. */
  const custom = async (path: string, query: Readonly<Record<string, string>>): Promise<readonly Json[]> => {
    let refusal: unknown
    for (const version of customVersions)
      try {
        return itemsOf(await client.read(`/apis/custom.metrics.k8s.io/${version}/${path}`, query))
      } catch (error) {
        if (!isNotFound(error)) throw error
        refusal ??= error
      }
    throw refusal
  }

  const selectorOf = ({ selector }: MetricIdentifier): Readonly<Record<string, string>> =>
    selector ? { metricLabelSelector: formatLabelSelector(selector) } : {}

  /** `deployments.apps` */
  const resourceOf = ({ apiVersion = '', kind }: CrossVersionObjectReference): string => {
    const group = apiVersion.includes('/') ? apiVersion.split('/')[0] : ''
    for (const { definition } of informers.all.values())
      if (definition.kind === kind && definition.group === group)
        return definition.group === '' ? definition.plural : `${definition.plural}.${definition.group}`
    throw new Error(`no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(group)}`)
  }

  const one = (items: readonly Json[]): number => {
    const value = milliOf(items[0]?.['value'])
    if (value === undefined) throw new Error('no metrics returned from the metrics API')
    return value
  }

  const part = encodeURIComponent

  return {
    resource: async (namespace, selector, resource, container) => {
      const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${part(namespace)}/pods`
      const items = itemsOf(await client.read(path, { labelSelector: selector }))
      if (items.length === 0) throw new Error('no metrics returned from resource metrics API')
      return samplesOf(
        items,
        (item) => textAt(item['metadata'], 'name'),
        (item) => usageOf(item, resource, container),
        (item) => windowMs(textAt(item, 'window')),
      )
    },

    pods: async (namespace, selector, metric) => {
      const query = { labelSelector: selector, ...selectorOf(metric) }
      const items = await custom(`namespaces/${part(namespace)}/pods/*/${part(metric.name)}`, query)
      if (items.length === 0) throw new Error('no metrics returned from custom metrics API')
      return samplesOf(
        items,
        (item) => textAt(item['describedObject'], 'name'),
        (item) => milliOf(item['value']),
        (item) => (Number(item['windowSeconds']) || 0) * 1000,
      )
    },

    object: async (namespace, about, metric) => {
      const path =
        about.kind === 'Namespace'
          ? `namespaces/${part(about.name)}/metrics/${part(metric.name)}`
          : `namespaces/${part(namespace)}/${part(resourceOf(about))}/${part(about.name)}/${part(metric.name)}`
      return one(await custom(path, selectorOf(metric)))
    },

    external: async (namespace, metric) => {
      const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${part(namespace)}/${part(metric.name)}`
      const query: Record<string, string> = {}
      if (metric.selector) query['labelSelector'] = formatLabelSelector(metric.selector)
      const items = itemsOf(await client.read(path, query))
      if (items.length === 0) throw new Error('no metrics returned from external metrics API')
      return items.reduce((sum, item) => sum + (milliOf(item['value']) ?? 0), 0)
    },
  }
}

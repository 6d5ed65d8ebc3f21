/** What the new controller of a rolling update is to be. Pure. */
import { isJsonObject, type JsonObject, parseJson } from '../../api/json.ts'
import type { Container, StringMap } from '../../api/types/index.ts'
import type { ReplicationController } from '../../api/types/kubernetes/core-v1.ts'
import { templateHash } from '../../control/controllers/template-hash.ts'
import { withoutNotes } from './annotations.ts'

/** A controller that may not be there yet. */
export interface Target {
  readonly name: string
  readonly selector: StringMap
  /** Undefined: as many pods as the old one. */
  readonly replicas: number | undefined
  /** What is created of it, but for its name, its notes and its number of pods. */
  readonly metadata: JsonObject
  readonly spec: JsonObject
}

export const pullPolicies = ['Always', 'Never', 'IfNotPresent'] as const

export type PullPolicy = (typeof pullPolicies)[number]

/** Another image for a controller. */
export interface ImageChange {
  readonly image: string
  /** Needed where pods have several containers. */
  readonly container?: string
  /** Needed where the image stays the same. */
  readonly pullPolicy?: PullPolicy
  /** The label by which old and new pods are told apart. */
  readonly key: string
}

/** The container that gets another image. Throws when that cannot be. */
export const containerOf = (
  { spec }: Pick<ReplicationController, 'spec'>,
  { container }: Pick<ImageChange, 'container'>,
): Container => {
  const containers = spec.template?.spec.containers ?? []
  const found = container === undefined ? containers[0] : containers.find(({ name }) => name === container)
  if (container !== undefined && !found) throw new Error(`container ${container} not found in pod`)
  if (container === undefined && containers.length > 1)
    throw new Error('must specify container (--container) to update when updating a multi-container pod')
  if (!found) throw new Error('pod has no containers')
  return found
}

const withoutKey = (labels: StringMap = {}, key: string): StringMap =>
  Object.fromEntries(Object.entries(labels).filter(([name]) => name !== key))

/** The label's value for pods of a template under this controller: the same in every attempt, another for the next update. */
const hashOf = (old: ReplicationController, { key }: ImageChange, container?: Container): string => {
  const { template } = old.spec
  const containers = template?.spec.containers ?? []
  return templateHash({
    metadata: { labels: { ...withoutKey(template?.metadata?.labels, key), [key]: old.metadata.uid ?? '' } },
    spec: {
      ...template?.spec,
      containers: container ? containers.map((each) => (each.name === container.name ? container : each)) : containers,
    },
  })
}

/** The label's value for the pods that there are. */
export const oldLabelOf = (old: ReplicationController, change: ImageChange): string =>
  old.spec.template?.metadata?.labels?.[change.key] ?? `${hashOf(old, change)}-orig`

/** The old controller with another image, under `name` or one that says which image it is. Throws when that cannot be. */
export const targetOfImage = (old: ReplicationController, change: ImageChange, name: string | undefined): Target => {
  const before = containerOf(old, change)
  if (before.image === change.image && change.pullPolicy === undefined)
    throw new Error(
      '--image-pull-policy (Always|Never|IfNotPresent) must be provided when --image is the same as existing container image',
    )
  const container: Container = {
    ...{ ...before, image: change.image },
    ...(change.pullPolicy === undefined ? {} : { imagePullPolicy: change.pullPolicy }),
  }
  const { template, selector = {} } = old.spec
  const label = { [change.key]: hashOf(old, change, container) }
  const { labels, annotations } = old.metadata
  return {
    name: name ?? `${old.metadata.name}-${label[change.key]}`,
    selector: { ...selector, ...label },
    replicas: undefined,
    metadata: { ...(labels ? { labels } : {}), annotations: withoutNotes(annotations) },
    spec: {
      ...old.spec,
      selector: { ...selector, ...label },
      template: {
        ...template,
        metadata: { ...template?.metadata, labels: { ...template?.metadata?.labels, ...label } },
        spec: {
          ...template?.spec,
          containers: (template?.spec.containers ?? []).map((each) => (each.name === before.name ? container : each)),
        },
      },
    },
  }
}

/**
 * Both controllers must choose by one label of which each wants another value: else the pods of one would be the other's.
 * Throws when that cannot be.
 */
export const checkSelectors = (
  old: StringMap = {},
  { selector, name }: Pick<Target, 'selector' | 'name'>,
  oldName: string,
): void => {
  if (name === oldName)
    throw new Error(`${name} cannot have the same name as the existing ReplicationController ${oldName}`)
  if (!Object.entries(old).some(([key, value]) => selector[key] !== undefined && selector[key] !== value))
    throw new Error(`${name} must specify a matching key with non-equal value in Selector for ${oldName}`)
}

/** What a controller under another name is made of. */
export interface Stash {
  readonly from: string
  readonly labels: StringMap
  readonly annotations: StringMap
  readonly spec: JsonObject
}

export const stashOf = ({ metadata, spec }: ReplicationController): Stash => ({
  from: metadata.name,
  labels: metadata.labels ?? {},
  annotations: withoutNotes(metadata.annotations),
  spec: { ...spec },
})

/** The texts of a mapping, by key; what is none is left out. */
export const textsOf = (value: unknown): StringMap =>
  Object.fromEntries(
    Object.entries(isJsonObject(value) ? value : {}).flatMap(([key, each]) =>
      typeof each === 'string' ? [[key, each] as const] : [],
    ),
  )

/** Undefined for what is none. */
export const readStash = (source: string): Stash | undefined => {
  const value: unknown = parseJson(source)
  if (!isJsonObject(value) || typeof value['from'] !== 'string' || !isJsonObject(value['spec'])) return undefined
  const { from, spec } = value
  return { from, spec, labels: textsOf(value['labels']), annotations: textsOf(value['annotations']) }
}

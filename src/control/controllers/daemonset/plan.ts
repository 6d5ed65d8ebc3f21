/** Which pods a DaemonSet lacks, and which it has to lose. Pure: kube-controller-manager's rules. */
import { isFinished, isReady } from '../../../api/pods.ts'
import type { Node, Pod, PodTemplateSpec } from '../../../api/types/index.ts'
import type { DaemonSet } from '../../../api/types/kubernetes/apps-v1.ts'
import { amountOf } from '../amounts.ts'
import { availableIn } from '../pod-state.ts'
import { revisionLabel } from '../revisions/revision.ts'
import { nodeOf, type Place, placeOn } from './placement.ts'

/** What is known of one node. */
export interface NodePods extends Place {
  readonly node: string
  /** Oldest first. */
  readonly pods: readonly Pod[]
}

export interface DaemonPlan {
  /** Nodes that are to get a pod. */
  readonly make: readonly string[]
  readonly leaving: readonly Pod[]
}

const born = ({ metadata }: Pod): string => `${metadata.creationTimestamp}/${metadata.name}`

/** Those that have a node come before those that wait for one. */
const byAge = (pods: readonly Pod[]): readonly Pod[] =>
  pods.toSorted(
    (a, b) => Number(Boolean(b.spec.nodeName)) - Number(Boolean(a.spec.nodeName)) || (born(a) < born(b) ? -1 : 1),
  )

export const podsByNode = (
  template: PodTemplateSpec,
  nodes: Iterable<Node>,
  pods: readonly Pod[],
): readonly NodePods[] => {
  const grouped = Map.groupBy(pods, (pod) => nodeOf(pod) ?? '')
  return [...nodes].map((node) => ({
    node: node.metadata.name,
    ...placeOn(template, node),
    pods: byAge(grouped.get(node.metadata.name) ?? []),
  }))
}

/** Pods that wait for a node that is not there any longer. */
export const strandedPods = (places: readonly NodePods[], pods: readonly Pod[]): readonly Pod[] => {
  const nodes = new Set(places.map(({ node }) => node))
  return pods.filter((pod) => !pod.spec.nodeName && !isLeaving(pod) && !nodes.has(nodeOf(pod) ?? ''))
}

const isLeaving = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined

export interface Measure {
  readonly set: DaemonSet
  readonly hash: string
  readonly now: number
}

export const isUpdated = (pod: Pod, hash: string): boolean => pod.metadata.labels?.[revisionLabel] === hash

const isAvailable = (pod: Pod, { set, now }: Measure): boolean =>
  availableIn(pod, set.spec.minReadySeconds ?? 0, now) === 0

interface Amounts {
  readonly surge: number
  readonly unavailable: number
}

const amountsOf = ({ spec }: DaemonSet, desired: number): Amounts => {
  if (spec.updateStrategy.type !== 'RollingUpdate') return { surge: 0, unavailable: 0 }
  const { maxSurge, maxUnavailable } = spec.updateStrategy.rollingUpdate ?? {}
  const surge = amountOf(maxSurge, desired, Math.ceil)
  const unavailable = amountOf(maxUnavailable ?? 1, desired, Math.ceil)
  return { surge, unavailable: surge === 0 && unavailable === 0 ? 1 : unavailable }
}

const desiredIn = (places: readonly NodePods[]): number => places.filter(({ shouldRun }) => shouldRun).length

/** One of the old and one of the new revision stay while a surge lasts; the old one goes when the new one can do its work. */
const surplusWithSurge = (running: readonly Pod[], measure: Measure): readonly Pod[] => {
  const updated = running.filter((pod) => isUpdated(pod, measure.hash))
  const outdated = running.filter((pod) => !isUpdated(pod, measure.hash))
  const [newest] = updated
  const [old] = outdated
  const isReplaced = newest && old && (!isReady(old) || isAvailable(newest, measure))
  return [...updated.slice(1), ...outdated.slice(isReplaced ? 0 : 1)]
}

const planNode = (place: NodePods, isSurging: boolean, measure: Measure): DaemonPlan => {
  const present = place.pods.filter((pod) => !isLeaving(pod))
  if (!place.mayStay) return { make: [], leaving: present }
  if (place.pods.length === 0) return { make: place.shouldRun ? [place.node] : [], leaving: [] }
  const running = present.filter((pod) => !isFinished(pod))
  const surplus = isSurging ? surplusWithSurge(running, measure) : running.slice(1)
  return { make: [], leaving: running.length > 1 ? surplus : [] }
}

/** Brings every node to its one pod. Those that have ended are not counted: see `endedPods`. */
export const planPlaces = (places: readonly NodePods[], measure: Measure): DaemonPlan => {
  const isSurging = amountsOf(measure.set, desiredIn(places)).surge > 0
  const plans = places.map((place) => planNode(place, isSurging, measure))
  return { make: plans.flatMap(({ make }) => make), leaving: plans.flatMap(({ leaving }) => leaving) }
}

/** Pods that ended and have to make room for another. */
export const endedPods = (places: readonly NodePods[]): readonly Pod[] =>
  places
    .filter(({ mayStay }) => mayStay)
    .flatMap(({ pods }) => pods.filter((pod) => isFinished(pod) && !isLeaving(pod)))

interface Pair {
  readonly node: string
  /** False: there are several of one revision, which are sorted out first. */
  readonly isClear: boolean
  readonly updated: Pod | undefined
  readonly old: Pod | undefined
}

const pairOf = ({ node, pods }: NodePods, { hash }: Measure): Pair => {
  const present = pods.filter((pod) => !isLeaving(pod))
  const updated = present.filter((pod) => isUpdated(pod, hash))
  const old = present.filter((pod) => !isUpdated(pod, hash))
  return { node, isClear: updated.length < 2 && old.length < 2, updated: updated[0], old: old[0] }
}

/** Old pods go, as many at once as may be missing; those that do not work do not count. */
const replaceOld = (pairs: readonly Pair[], most: number, measure: Measure): DaemonPlan => {
  let missing = 0
  const broken: Pod[] = []
  const candidates: Pod[] = []
  for (const { isClear, updated, old } of pairs) {
    if (!isClear || (old === undefined) === (updated === undefined)) missing++
    else if (updated) missing += isAvailable(updated, measure) ? 0 : 1
    else if (old && !isAvailable(old, measure)) {
      broken.push(old)
      missing++
    } else if (old) candidates.push(old)
  }
  return { make: [], leaving: [...broken, ...candidates.slice(0, Math.max(0, most - missing))] }
}

/** New pods come beside old ones, as many at once as may be too many. */
const surgeNew = (pairs: readonly Pair[], most: number, measure: Measure): DaemonPlan => {
  let surging = 0
  const leaving: Pod[] = []
  const broken: string[] = []
  const candidates: string[] = []
  for (const { node, isClear, updated, old } of pairs) {
    if (!isClear) surging++
    else if (old && !updated) (isAvailable(old, measure) ? candidates : broken).push(node)
    else if (old && updated && isAvailable(updated, measure)) leaving.push(old)
    else if (old && updated) surging++
  }
  return { make: [...broken, ...candidates.slice(0, Math.max(0, most - surging))], leaving }
}

/** The next step of an update to the present revision. */
export const planUpdate = (places: readonly NodePods[], measure: Measure): DaemonPlan => {
  if (measure.set.spec.updateStrategy.type !== 'RollingUpdate') return { make: [], leaving: [] }
  const wanted = places.filter(({ shouldRun }) => shouldRun)
  const { surge, unavailable } = amountsOf(measure.set, wanted.length)
  const pairs = wanted.map((place) => pairOf(place, measure))
  return surge > 0 ? surgeNew(pairs, surge, measure) : replaceOld(pairs, unavailable, measure)
}

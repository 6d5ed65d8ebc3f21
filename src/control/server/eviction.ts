/** `POST pods/NAME/eviction`: a deletion that a PodDisruptionBudget may refuse for now. */
import { type Clock, formatTime } from '../../api/clock.ts'
import { ApiError, badRequest, forbidden } from '../../api/errors.ts'
import { isJsonObject } from '../../api/json.ts'
import { isReady } from '../../api/pods.ts'
import { matchLabelSelector } from '../../api/selectors.ts'
import type { KubeObject, Pod } from '../../api/types/index.ts'
import type { Eviction, PodDisruptionBudget } from '../../api/types/kubernetes/policy-v1.ts'
import { controlUser } from '../auth/user.ts'
import type { Objects } from '../objects/objects.ts'
import { bucketOf } from '../resources/definition.ts'
import { podDisruptionBudget } from '../resources/policy/pod-disruption-budget.ts'
import type { Store } from '../storage/store.ts'
import { madeAnswer } from './call.ts'
import { readTyped } from './input.ts'
import type { SubresourceHandler } from './resources.ts'
import { admittedRequest, deletionOf } from './write-options.ts'

const typeIn = (version: 'v1' | 'v1beta1') =>
  ({ kind: 'Eviction', apiVersion: `policy/${version}`, schemaType: `policy/${version}.Eviction` }) as const

/** Both versions say the same. */
const typeOf = (body: unknown) =>
  typeIn(isJsonObject(body) && body['apiVersion'] === 'policy/v1beta1' ? 'v1beta1' : 'v1')

/** Nobody is disturbed when it goes. */
const isIdle = ({ metadata, status }: Pod): boolean =>
  metadata.deletionTimestamp !== undefined || ['Pending', 'Succeeded', 'Failed'].includes(status?.phase ?? 'Pending')

const retrySeconds = 10
const mostUnconfirmed = 2_000

const refused = (message: string, retryAfterSeconds?: number): ApiError =>
  new ApiError(429, 'TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    causes: [{ reason: 'DisruptionBudget', message }],
  })

/** A pod that is not ready may go while the others suffice, and where the budget does not care for such pods. */
const isGuarded = (pod: Pod, { spec, status }: PodDisruptionBudget): boolean => {
  if (isReady(pod)) return true
  if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return false
  return status.desiredHealthy === 0 || status.currentHealthy < status.desiredHealthy
}

/** The budget after one more pod was let go. Throws what refuses it. */
const withOneLess = (budget: PodDisruptionBudget, pod: string, time: string): PodDisruptionBudget => {
  const { metadata, status } = budget
  const { disruptionsAllowed, disruptedPods = {}, desiredHealthy, currentHealthy } = status
  const never = (why: string) => forbidden({ group: 'policy', plural: 'poddisruptionbudget' }, metadata.name, why)
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0))
    throw refused(`The disruption budget ${metadata.name} is still being processed by the server.`, retrySeconds)
  if (disruptionsAllowed < 0) throw never('pdb disruptions allowed is negative')
  if (Object.keys(disruptedPods).length > mostUnconfirmed)
    throw never('DisruptedPods map too big - too many evictions not confirmed by PDB controller')
  if (disruptionsAllowed === 0)
    throw refused(
      `The disruption budget ${metadata.name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
    )
  return {
    ...budget,
    status: {
      ...status,
      disruptionsAllowed: disruptionsAllowed - 1,
      disruptedPods: { ...disruptedPods, [pod]: time },
    },
  }
}

export interface EvictionContext {
  readonly objects: Objects
  readonly store: Store
  readonly clock: Clock
}

export const podEviction = ({ objects, store, clock }: EvictionContext): SubresourceHandler => {
  const budgetsOf = ({ metadata }: Pod): readonly PodDisruptionBudget[] =>
    store
      .list(bucketOf(podDisruptionBudget))
      .entries.map(({ object }) => object as PodDisruptionBudget)
      .filter(
        (budget) =>
          budget.metadata.namespace === metadata.namespace && matchLabelSelector(budget.spec.selector)(metadata.labels),
      )

  /** Takes the pod off the budget that guards it. Throws what refuses that. */
  const account = async (pod: Pod, dryRun: boolean): Promise<void> => {
    if (isIdle(pod)) return
    const [budget, ...more] = budgetsOf(pod)
    if (more.length > 0)
      throw new ApiError(
        500,
        '',
        'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
      )
    if (!budget || !isGuarded(pod, budget)) return
    const { name, namespace } = budget.metadata
    const change = (old: KubeObject): KubeObject => ({
      ...withOneLess(old as PodDisruptionBudget, pod.metadata.name, formatTime(clock.now())),
      metadata: { ...old.metadata, resourceVersion: undefined },
    })
    await objects.update(podDisruptionBudget, { namespace, name }, 'status', change, { user: controlUser, dryRun })
  }

  return async (call, request, definition) => {
    const { namespace, name } = request
    const body = await call.body()
    const type = typeOf(body)
    const { object: given, warnings } = readTyped(body, type, call.query)
    if (given.metadata?.name !== name) throw badRequest('name in URL does not match name in Eviction object')
    const admitted = await admittedRequest(objects, call, request, definition, {
      ...{ operation: 'create', type, object: given },
    })
    const { deleteOptions = {} }: Eviction = admitted.object
    const deletion = deletionOf(deleteOptions, deleteOptions.dryRun ?? [])
    const dryRun = admitted.dryRun || (deleteOptions.dryRun ?? []).length > 0
    await account(objects.get(definition, { namespace, name }) as Pod, dryRun)
    await objects.delete(definition, { namespace, name }, deletion, { user: call.user, dryRun })
    return madeAnswer([...warnings, ...admitted.told])
  }
}

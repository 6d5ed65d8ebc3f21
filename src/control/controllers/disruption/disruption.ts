/** Says for each PodDisruptionBudget how many of its pods may be evicted now. */
import { deepEqual } from '../../../api/deep-equal.ts'
import { errorText } from '../../../api/errors.ts'
import { referenceTo } from '../../../api/event-recorder.ts'
import { objectKey, podDisruptionBudgets, pods } from '../../../api/resources.ts'
import { formatLabelSelector, matchLabelSelector } from '../../../api/selectors.ts'
import type { KubeObject, Pod } from '../../../api/types/index.ts'
import type { PodDisruptionBudget } from '../../../api/types/kubernetes/policy-v1.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createCountedStatus } from '../../../controller/own-writes.ts'
import { createQueue } from '../../../controller/queue.ts'
import { type CreateController, recorderFor } from '../controller.ts'
import { catchUpMs } from '../pod-control/pod-control.ts'
import { type Amounts, amountsOf, awaitedPods, countedStatus, countsByControllers, failedStatus } from './budget.ts'
import { expectedPods } from './expected-pods.ts'

const name = 'disruption-controller'
/** Who tells of it in Events. */
const source = 'controllermanager'

/** How many pods a controller wants may change at any moment, of any kind. */
const gatherMs = 50

export const createDisruptionController: CreateController = (context) => {
  const { client, informers, clock } = context
  const copies = informers.of(podDisruptionBudgets)
  const podCopies = informers.of(pods)
  const events = recorderFor(context, source)
  // It is a conflict when an eviction has taken of it meanwhile.
  const statuses = createCountedStatus(client, podDisruptionBudgets)

  const amounts = (budget: PodDisruptionBudget, selected: readonly Pod[]): Amounts => {
    if (!countsByControllers(budget)) return amountsOf(budget, selected.length)
    const { count, unmanaged } = expectedPods(informers, selected)
    if (unmanaged.length > 0) {
      const selector = formatLabelSelector(budget.spec.selector ?? {})
      const message = `Pods selected by this PodDisruptionBudget (selector: ${selector}) were found to be unmanaged. As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.`
      events.record(referenceTo(budget), 'Warning', 'UnmanagedPods', message)
    }
    return amountsOf(budget, count)
  }

  /** Where nobody can count, nobody is let go. */
  const fail = async (budget: PodDisruptionBudget, why: string): Promise<never> => {
    const message = `Failed to calculate the number of expected pods: ${why}`
    events.record(referenceTo(budget), 'Warning', 'CalculateExpectedPodCountFailed', message)
    await statuses.write(budget, failedStatus(budget, why, clock.now()))
    throw new Error(message)
  }

  const reconcile = async (key: string): Promise<Outcome> => {
    const budget = copies.get(key)
    if (!budget) return 'done'
    if (!statuses.isCurrent(budget)) return { againInMs: catchUpMs }
    const matches = matchLabelSelector(budget.spec.selector)
    const selected = podCopies
      .by('namespace', budget.metadata.namespace ?? '')
      .filter(({ metadata }) => matches(metadata.labels))
    if (selected.length === 0) events.record(referenceTo(budget), 'Normal', 'NoPods', 'No matching pods found')
    let counted: Amounts
    try {
      counted = amounts(budget, selected)
    } catch (error) {
      return fail(budget, errorText(error))
    }
    const now = clock.now()
    const { notDeleted, againInMs } = awaitedPods(budget, selected, now)
    await statuses.write(budget, countedStatus(budget, selected, counted, now))
    for (const pod of notDeleted) {
      const message = `Pod was expected by PDB ${objectKey(budget)} to be deleted but it wasn't`
      events.record(referenceTo(pod), 'Warning', 'NotDeleted', message)
    }
    return againInMs === undefined ? 'done' : { againInMs }
  }

  const queue = createQueue(context, name, reconcile)

  const podChanged = ({ metadata }: Pod): void => {
    for (const budget of copies.by('namespace', metadata.namespace ?? ''))
      if (matchLabelSelector(budget.spec.selector)(metadata.labels)) queue.add(objectKey(budget))
  }

  const ownerChanged = ({ metadata }: KubeObject): void => {
    for (const budget of copies.by('namespace', metadata.namespace ?? ''))
      if (countsByControllers(budget)) queue.addAfter(objectKey(budget), gatherMs)
  }

  return {
    name,
    run: (signal) => {
      copies.onChange((key, current) => {
        if (!current) statuses.forget(key)
        queue.add(key)
      })
      podCopies.onChange((_key, current, previous) => {
        if (previous && !deepEqual(previous.metadata.labels, current?.metadata.labels)) podChanged(previous)
        if (current) podChanged(current)
      })
      informers.each(({ definition, copies: owners }) => {
        const { scale } = definition
        if (!scale) return
        owners.onChange((_key, current, previous) => {
          const wanted = (object: KubeObject | undefined) => object && scale.view(object).replicas
          const changed = current ?? previous
          if (changed && wanted(current) !== wanted(previous)) ownerChanged(changed)
        }, signal)
      }, signal)
      return queue.run(signal)
    },
  }
}

/** Says in the status of each ResourceQuota what is used of it. */
import { deepEqual } from '../../api/deep-equal.ts'
import { amountText, noAmount } from '../../api/quantity.ts'
import { objectKey, resourceQuotas } from '../../api/resources.ts'
import type { ResourceQuota } from '../../api/types/kubernetes/core-v1.ts'
import type { Outcome } from '../../api/work-queue.ts'
import { createQueue } from '../../controller/queue.ts'
import { counts } from '../quota/scopes.ts'
import { usageOf } from '../quota/usage.ts'
import { type Amounts, addAll } from '../resources/core/pod-resources.ts'
import type { CreateController } from './controller.ts'

const name = 'resourcequota-controller'

/** Many objects of a namespace often change together. */
const gatherMs = 20
/** How long pods stay that should have ended is nobody's event. */
const lookAgainMs = 60_000

export const createResourceQuotaController: CreateController = (context) => {
  const { client, clock, informers } = context
  const quotas = informers.of(resourceQuotas)

  const usage = (quota: ResourceQuota): Amounts => {
    const { namespace = '' } = quota.metadata
    const now = clock.now()
    let sum: Amounts = new Map()
    for (const { definition, copies } of informers.all.values()) {
      if (!definition.namespaced) continue
      for (const object of copies.by('namespace', namespace))
        if (counts(quota, definition, object)) sum = addAll(sum, usageOf(definition, object, now))
    }
    return sum
  }

  const reconcile = async (key: string): Promise<Outcome> => {
    const quota = quotas.get(key)
    if (!quota) return 'done'
    const { hard = {} } = quota.spec
    const found = usage(quota)
    const used = Object.fromEntries(Object.keys(hard).map((each) => [each, amountText(found.get(each) ?? noAmount)]))
    const status = { hard, used }
    // The version tells whether admission has counted more meanwhile.
    if (!deepEqual(quota.status, status)) await client.updateStatus(resourceQuotas, { ...quota, status })
    return { againInMs: lookAgainMs }
  }

  const queue = createQueue(context, name, reconcile)

  return {
    name,
    run: (signal) => {
      quotas.onChange((key) => queue.add(key), signal)
      informers.each(
        ({ definition, copies }) =>
          copies.onChange((_key, current, previous) => {
            const namespace = (current ?? previous)?.metadata.namespace
            if (namespace === undefined || definition.plural === resourceQuotas.plural) return
            for (const quota of quotas.by('namespace', namespace)) queue.addAfter(objectKey(quota), gatherMs)
          }, signal),
        signal,
      )
      return queue.run(signal)
    },
  }
}

/** Empties namespaces that are being deleted, and lets them go. */
import { formatTime } from '../../api/clock.ts'
import { errorText, isConflict, isMissingPath, isNotFound } from '../../api/errors.ts'
import { namespaces } from '../../api/resources.ts'
import type { KubeObject, Namespace, NamespaceCondition } from '../../api/types/index.ts'
import type { Outcome } from '../../api/work-queue.ts'
import { createQueue } from '../../controller/queue.ts'
import { namespaceFinalizer } from '../resources/core/namespace.ts'
import { bucketOf, type ResourceDefinition } from '../resources/definition.ts'
import type { CreateController } from './controller.ts'
import { writeStatus } from './write-status.ts'

const name = 'namespace-controller'

/** How soon to look again while something takes its time to go. */
const lookAgainMs = 1_000

interface Remains {
  readonly definition: ResourceDefinition
  readonly objects: readonly KubeObject[]
}

interface Failure {
  readonly definition: ResourceDefinition
  readonly error: unknown
}

const condition = (
  type: string,
  isTrue: boolean,
  reasons: readonly [string, string],
  message: string,
  now: number,
): NamespaceCondition => ({
  ...{ type, status: isTrue ? 'True' : 'False', reason: isTrue ? reasons[0] : reasons[1] },
  ...{ message, lastTransitionTime: formatTime(now) },
})

/** What was so before is so since then. */
const asBefore =
  (before: readonly NamespaceCondition[]) =>
  (each: NamespaceCondition): NamespaceCondition => {
    const known = before.find(({ type }) => type === each.type)
    return known && known.status === each.status && known.message === each.message ? known : each
  }

/** What `kubectl describe` says about why a namespace is still there. Pure. */
export const remainingConditions = (
  remains: readonly Remains[],
  before: readonly NamespaceCondition[],
  now: number,
  failures: readonly Failure[] = [],
): readonly NamespaceCondition[] => {
  const counts = remains.map(
    ({ definition, objects }) => `${bucketOf(definition)} has ${objects.length} resource instances`,
  )
  const finalizers = Map.groupBy(
    remains.flatMap(({ objects }) => objects.flatMap(({ metadata }) => metadata.finalizers ?? [])),
    (finalizer) => finalizer,
  )
  const holds = [...finalizers].map(([finalizer, { length }]) => `${finalizer} in ${length} resource instances`)
  const wanted = [
    condition(
      'NamespaceContentRemaining',
      counts.length > 0,
      ['SomeResourcesRemain', 'ContentRemoved'],
      counts.length > 0 ? `Some resources are remaining: ${counts.join(', ')}` : 'All content successfully removed',
      now,
    ),
    condition(
      'NamespaceFinalizersRemaining',
      holds.length > 0,
      ['SomeFinalizersRemain', 'ContentHasNoFinalizers'],
      holds.length > 0
        ? `Some content in the namespace has finalizers remaining: ${holds.join(', ')}`
        : 'All content-preserving finalizers finished',
      now,
    ),
  ]
  const hasFailed = before.some(({ type }) => type === 'NamespaceDeletionContentFailure')
  const failed = failures.map(({ definition, error }) => `${bucketOf(definition)}: ${errorText(error)}`)
  const content = condition(
    'NamespaceDeletionContentFailure',
    failures.length > 0,
    ['ContentDeletionFailed', 'ContentDeleted'],
    failures.length > 0
      ? `Failed to delete all resource types, ${failures.length} remaining: ${failed.join(', ').slice(0, 1024)}`
      : 'All content successfully deleted, may be waiting on finalization',
    now,
  )
  return [...wanted, ...(failures.length > 0 || hasFailed ? [content] : [])].map(asBefore(before))
}

/** Nothing is let go of as long as nobody knows what else there may be in it. */
const discoveryConditions = (
  undiscovered: readonly string[],
  before: readonly NamespaceCondition[],
  now: number,
): readonly NamespaceCondition[] => {
  const type = 'NamespaceDeletionDiscoveryFailure'
  const failed = undiscovered.length > 0
  if (!failed && !before.some((each) => each.type === type)) return []
  const message = failed
    ? `Discovery failed for some groups, ${undiscovered.length} failing: unable to retrieve the complete list of server APIs: ${undiscovered.join(', ')}`
    : 'All resources successfully discovered'
  return [condition(type, failed, ['DiscoveryFailed', 'ResourcesDiscovered'], message, now)].map(asBefore(before))
}

export const createNamespaceController: CreateController = (context) => {
  const { client, informers, remote, clock } = context
  const copies = informers.of(namespaces)

  const deleteAll = async ({ definition, objects }: Remains): Promise<void> => {
    for (const object of objects) {
      if (object.metadata.deletionTimestamp !== undefined) continue
      try {
        await client.delete(definition, object, { propagationPolicy: 'Background' })
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error
      }
    }
  }

  /** Asked, not looked up: a copy that lags behind would let the namespace go too early. What fails for one kind keeps nobody else. */
  const inEachKind = async (
    namespace: string,
    use: (remains: Remains) => Promise<void> | void,
  ): Promise<readonly Failure[]> => {
    const failures: Failure[] = []
    for (const { definition } of informers.all.values()) {
      if (!definition.namespaced) continue
      try {
        const { items } = await client.list(definition, { namespace })
        if (items.length > 0) await use({ definition, objects: items })
      } catch (error) {
        // A kind that has just gone has no objects.
        if (!isMissingPath(error)) failures.push({ definition, error })
      }
    }
    return failures
  }

  const release = async (namespace: Namespace): Promise<void> => {
    const finalizers = (namespace.spec?.finalizers ?? []).filter((finalizer) => finalizer !== namespaceFinalizer)
    await client.update(namespaces, { ...namespace, spec: { finalizers } }, 'finalize')
  }

  const reconcile = async (key: string): Promise<Outcome> => {
    const namespace = copies.get(key)
    if (!namespace?.metadata.deletionTimestamp || !namespace.spec?.finalizers?.includes(namespaceFinalizer))
      return 'done'
    const undeleted = await inEachKind(key, deleteAll)
    const left: Remains[] = []
    const unread = await inEachKind(key, (remains) => void left.push(remains))
    const undiscovered = remote.unread
    if (left.length === 0 && unread.length === 0 && undiscovered.length === 0) {
      await release(await client.get(namespaces, key))
      return 'done'
    }
    const failures = unread.length > 0 ? unread : undeleted
    const before = namespace.status?.conditions ?? []
    const conditions = [
      ...discoveryConditions(undiscovered, before, clock.now()),
      ...remainingConditions(left, before, clock.now(), failures),
    ]
    if (undiscovered.length > 0) remote.look()
    await writeStatus(client, namespaces, namespace, { conditions })
    return { againInMs: lookAgainMs }
  }

  const queue = createQueue(context, name, reconcile)

  return {
    name,
    run: (signal) => {
      copies.onChange((key, current) => {
        if (current?.metadata.deletionTimestamp !== undefined) queue.add(key)
      })
      informers.each(
        ({ copies: objects }) =>
          objects.onChange((_key, current, previous) => {
            const namespace = previous?.metadata.namespace
            if (!current && namespace && copies.get(namespace)?.metadata.deletionTimestamp !== undefined)
              queue.addAfter(namespace, 50)
          }),
        signal,
      )
      return queue.run(signal)
    },
  }
}

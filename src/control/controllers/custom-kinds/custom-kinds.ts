/** Gives CustomResourceDefinitions their names, and lets them go when the objects of their kinds are gone. */
import { isConflict, isMissingPath, isNotFound } from '../../../api/errors.ts'
import { customResourceDefinitions } from '../../../api/resources.ts'
import type { KubeObject } from '../../../api/types/index.ts'
import type { CustomResourceDefinition } from '../../../api/types/kubernetes/apiextensions-v1.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createQueue } from '../../../controller/queue.ts'
import { statusOf } from '../../custom/naming.ts'
import { builtInKinds } from '../../registry/registry.ts'
import { cleanupFinalizer } from '../../resources/apiextensions/custom-resource-definition.ts'
import { bucketOf, type ResourceDefinition } from '../../resources/definition.ts'
import type { CreateController } from '../controller.ts'

const name = 'custom-kinds'

/** How soon to look again while something takes its time to go. */
const lookAgainMs = 500

const builtIn = new Set(builtInKinds.kinds.map(({ row }) => bucketOf(row)))

export const createCustomKindController: CreateController = (context) => {
  const { client, informers, registry, clock } = context
  const copies = informers.of(customResourceDefinitions)

  /** What has been written and not come back yet: two may not get one name meanwhile. */
  const claims = new Map<string, CustomResourceDefinition>()

  const others = (definition: CustomResourceDefinition): readonly CustomResourceDefinition[] =>
    [...copies.entries()].flatMap(([key, each]) => (key === definition.metadata.name ? [] : [claims.get(key) ?? each]))

  const claim = async (definition: CustomResourceDefinition): Promise<void> => {
    const key = definition.metadata.name
    claims.set(key, definition)
    try {
      await client.update(customResourceDefinitions, definition, 'status')
    } catch (error) {
      claims.delete(key)
      throw error
    }
  }

  const rowOf = ({ metadata }: CustomResourceDefinition): ResourceDefinition | undefined =>
    builtIn.has(metadata.name) ? undefined : registry.kinds.find(({ row }) => bucketOf(row) === metadata.name)?.row

  const remainsOf = async (definition: ResourceDefinition): Promise<readonly KubeObject[]> => {
    try {
      return (await client.list(definition)).items
    } catch (error) {
      if (isMissingPath(error)) return []
      throw error
    }
  }

  const deleteAll = async (definition: ResourceDefinition, objects: readonly KubeObject[]): Promise<void> => {
    for (const object of objects) {
      if (object.metadata.deletionTimestamp !== undefined) continue
      try {
        await client.delete(definition, object, { propagationPolicy: 'Background' })
      } catch (error) {
        if (!isNotFound(error) && !isConflict(error)) throw error
      }
    }
  }

  const release = async (definition: CustomResourceDefinition): Promise<void> => {
    const { resourceVersion, finalizers = [] } = definition.metadata
    const left = finalizers.filter((each) => each !== cleanupFinalizer)
    await client.patch(customResourceDefinitions, definition, { metadata: { resourceVersion, finalizers: left } })
  }

  const finish = async (definition: CustomResourceDefinition): Promise<Outcome> => {
    const row = rowOf(definition)
    if (row) {
      await deleteAll(row, await remainsOf(row))
      if ((await remainsOf(row)).length > 0) return { againInMs: lookAgainMs }
    }
    await release(definition)
    return 'done'
  }

  const reconcile = async (key: string): Promise<Outcome> => {
    const definition = copies.get(key)
    if (!definition) return 'done'
    const status = statusOf(definition, others(definition), clock.now())
    if (status !== definition.status) {
      await claim({ ...definition, status })
      return 'done'
    }
    const { deletionTimestamp, finalizers = [] } = definition.metadata
    return deletionTimestamp !== undefined && finalizers.includes(cleanupFinalizer) ? finish(definition) : 'done'
  }

  const queue = createQueue(context, name, reconcile)

  return {
    name,
    run: (signal) => {
      copies.onChange((key, current, previous) => {
        claims.delete(key)
        queue.add(key)
        // A name that is free again may be what others wait for.
        const group = (current ?? previous)?.spec.group
        if (!current || current.status.acceptedNames !== previous?.status.acceptedNames)
          for (const [other, { spec, status }] of copies.entries())
            if (
              spec.group === group &&
              status.conditions.some(({ type, status: is }) => type === 'NamesAccepted' && is !== 'True')
            )
              queue.add(other)
      })
      return queue.run(signal)
    },
  }
}

/** Objects that every namespace has: made, and kept as they should be, until the namespace is on its way out. */
import type { Client, Draft } from '../../../api/client.ts'
import { deepEqual } from '../../../api/deep-equal.ts'
import { isAlreadyExists, isNamespaceTerminating, isNotFound } from '../../../api/errors.ts'
import { namespaces, type Resource } from '../../../api/resources.ts'
import type { KubeObject } from '../../../api/types/index.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createQueue } from '../../../controller/queue.ts'
import type { CreateController } from '../controller.ts'

export interface NamespaceObject<T extends KubeObject> {
  readonly resource: Resource<T>
  readonly name: string
  /** What it has beside its name; the rest of it is its users'. */
  readonly content: Partial<Omit<T, keyof KubeObject>>
}

/** Whether everything in `content` is so. */
const holds = (object: object, content: object): boolean =>
  Object.entries(content).every(([field, value]) =>
    deepEqual((object as Readonly<Record<string, unknown>>)[field], value),
  )

/** Nothing that comes too late: the namespace goes, or somebody else was faster. */
const isLate = (error: unknown): boolean => isNamespaceTerminating(error) || isAlreadyExists(error) || isNotFound(error)

const keep = async <T extends KubeObject>(
  client: Client,
  { resource, name, content }: NamespaceObject<T>,
  namespace: string,
  there: T | undefined,
): Promise<void> => {
  if (there && holds(there, content)) return
  const metadata = { name, namespace }
  try {
    if (there) await client.patch(resource, { metadata }, content)
    else await client.create(resource, { metadata, ...content } as unknown as Draft<T>)
  } catch (error) {
    if (!isLate(error)) throw error
  }
}

export const inEveryNamespace =
  <T extends KubeObject>(
    name: string,
    objectOf: (context: Parameters<CreateController>[0]) => NamespaceObject<T>,
  ): CreateController =>
  (context) => {
    const { client, informers } = context
    const wanted = objectOf(context)
    const copies = informers.of(namespaces)
    const objects = informers.of(wanted.resource)

    const reconcile = async (namespace: string): Promise<Outcome> => {
      const found = copies.get(namespace)
      if (found && found.metadata.deletionTimestamp === undefined)
        await keep(client, wanted, namespace, objects.get(`${namespace}/${wanted.name}`))
      return 'done'
    }

    const queue = createQueue(context, name, reconcile)
    return {
      name,
      run: (signal) => {
        copies.onChange((namespace, current) => {
          if (current) queue.add(namespace)
        }, signal)
        objects.onChange((_key, current, previous) => {
          const { metadata } = current ?? previous ?? { metadata: undefined }
          if (metadata?.name === wanted.name && metadata.namespace !== undefined) queue.add(metadata.namespace)
        }, signal)
        return queue.run(signal)
      },
    }
  }

/** Keeps what every cluster has from its first moment on: an object that is deleted or overwritten comes back. */
import type { Outcome } from '../../api/work-queue.ts'
import { createQueue } from '../../controller/queue.ts'
import { type BootstrapOptions, bootstrapObjects } from '../bootstrap/bootstrap.ts'
import { bucketOf } from '../resources/definition.ts'
import { bucketOfResource } from '../storage/follow.ts'
import type { CreateController } from './controller.ts'

const name = 'bootstrap-objects'

export const createBootstrapController =
  (options: BootstrapOptions): CreateController =>
  (context) => {
    const { client, informers } = context
    const objects = new Map(
      bootstrapObjects(options).map((object) => [`${object.resource.plural} ${object.key}`, object]),
    )
    const reconcile = async (id: string): Promise<Outcome> => {
      const object = objects.get(id)
      if (object && informers.all.has(bucketOfResource(object.resource))) await object.keep(client)
      return 'done'
    }
    const queue = createQueue(context, name, reconcile)
    return {
      name,
      run: (signal) => {
        // Of a kind that is missing there is nothing to keep until it comes.
        informers.each(({ definition, copies }) => {
          for (const [id, { resource, key }] of objects) {
            if (bucketOf(definition) !== bucketOfResource(resource)) continue
            copies.onChange((changed) => {
              if (changed === key) queue.add(id)
            })
            queue.add(id)
          }
        }, signal)
        return queue.run(signal)
      },
    }
  }

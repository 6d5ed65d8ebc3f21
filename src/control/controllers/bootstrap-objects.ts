/** Keeps what every cluster has from its first moment on: an object that is deleted or overwritten comes back. */
import type { Outcome } from '../../api/work-queue.ts'
import { type BootstrapOptions, bootstrapObjects } from '../bootstrap/bootstrap.ts'
import { type CreateController, createQueue } from './controller.ts'

const name = 'bootstrap-objects'

export const createBootstrapController =
  (options: BootstrapOptions): CreateController =>
  (context) => {
    const { client, informers } = context
    const objects = new Map(
      bootstrapObjects(options).map((object) => [`${object.resource.plural} ${object.key}`, object]),
    )
    const reconcile = async (id: string): Promise<Outcome> => {
      await objects.get(id)?.keep(client)
      return 'done'
    }
    const queue = createQueue(context, name, reconcile)
    return {
      name,
      run: (signal) => {
        for (const [id, { resource, key }] of objects) {
          informers.of(resource).onChange((changed) => {
            if (changed === key) queue.add(id)
          })
          queue.add(id)
        }
        return queue.run(signal)
      },
    }
  }

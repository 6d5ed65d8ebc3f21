/** All of a node's images, for its agent: the store, and the registries that they come from. */
import type { CommandRunner } from '../../host/command.ts'
import { once } from '../../host/once.ts'
import { type Collector, createCollector } from '../collect/collector.ts'
import { storeCollection } from '../collect/store-collection.ts'
import type { Images, Roots } from '../images.ts'
import { readAbilities } from '../layer/abilities.ts'
import { type OpenStore, openImageStore } from '../store/image-store.ts'
import type { Pulls, PullsOptions } from './pulls.ts'

export interface NodeImagesOptions extends PullsOptions {
  /** Below what the agent keeps. Others may have it open, too. */
  readonly folder: string
  readonly runner: CommandRunner
  /** Told in one sentence of damaged files, and of what could not be done as it should. */
  readonly onNotice: (message: string) => void
  readonly now?: () => number
}

export interface NodeImages {
  readonly images: Images
  readonly roots: Roots
  readonly store: OpenStore
  readonly collector: Collector
  /** Ends connections, and waits for what is being written to the disk. */
  close(): Promise<void>
}

export const openNodeImages = async (options: NodeImagesOptions): Promise<NodeImages> => {
  const { folder, runner, onNotice, now = Date.now } = options
  const store = await openImageStore({ folder, runner, abilities: await readAbilities(), onNotice, now })
  const collector = createCollector({ from: storeCollection({ store, now }), onNotice, now })
  let opened: Pulls | undefined
  const pulls = once(async (): Promise<Pulls> => {
    opened = (await import('./pulls.ts')).createPulls(store, options)
    return opened
  })

  return {
    ...{ store, collector, roots: store.roots },
    images: {
      find: store.images.find,
      list: store.images.list,
      remove: store.images.remove,
      pull: async (name, pullOptions = {}) => (await pulls()).pull(name, pullOptions),
    },
    close: async () => {
      await collector.close()
      await opened?.close()
      await store.close()
    },
  }
}

/** An informer that is fed by hand: for units that read local copies and listen to them. */
import type { Informer } from '../../src/api/informer.ts'
import type { ChangeHandler } from '../../src/api/local-copy.ts'
import { objectKey } from '../../src/api/resources.ts'
import type { KubeObject } from '../../src/api/types/index.ts'

export interface FedInformer<T extends KubeObject> extends Informer<T> {
  /** Adds or replaces. */
  put(...objects: readonly T[]): void
  remove(key: string): void
}

/** Synced from the start. `indexes` as in `createInformer`. */
export const createFedInformer = <T extends KubeObject>(
  objects: readonly T[] = [],
  indexes: Readonly<Record<string, (value: T) => readonly string[]>> = {},
): FedInformer<T> => {
  const copy = new Map<string, T>()
  const handlers = new Set<ChangeHandler<T>>()
  const set = (key: string, current: T | undefined): void => {
    const previous = copy.get(key)
    if (current) copy.set(key, current)
    else copy.delete(key)
    for (const handler of handlers) handler(key, current, previous)
  }
  const put = (...added: readonly T[]): void => {
    for (const object of added) set(objectKey(object), object)
  }
  put(...objects)
  return {
    put,
    remove: (key) => set(key, undefined),
    get: (key) => copy.get(key),
    values: () => copy.values(),
    entries: () => copy.entries(),
    get size() {
      return copy.size
    },
    by: (name, value) => {
      const keysOf = indexes[name]
      if (!keysOf) throw new Error(`no index "${name}"`)
      return [...copy.values()].filter((object) => keysOf(object).includes(value))
    },
    onChange: (handler, signal) => {
      handlers.add(handler)
      signal?.addEventListener('abort', () => handlers.delete(handler), { once: true })
      for (const [key, object] of copy) handler(key, object, undefined)
    },
    synced: Promise.resolve(),
    settled: Promise.resolve(),
    isSynced: true,
    run: async () => {},
  }
}

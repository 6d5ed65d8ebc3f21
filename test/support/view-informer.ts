/** An informer seen through a view, as `createInformer` gives when it is told to cut objects down. */
import type { Informer } from '../../src/api/informer.ts'

export const viewInformer = <T, V>(inner: Informer<T>, view: (object: T) => V): Informer<V> => ({
  get: (key) => {
    const found = inner.get(key)
    return found && view(found)
  },
  *values() {
    for (const object of inner.values()) yield view(object)
  },
  *entries() {
    for (const [key, object] of inner.entries()) yield [key, view(object)] as [string, V]
  },
  get size() {
    return inner.size
  },
  by: (name, value) => inner.by(name, value).map(view),
  onChange: (handler, signal) =>
    inner.onChange(
      (key, current, previous) => handler(key, current && view(current), previous && view(previous)),
      signal,
    ),
  synced: inner.synced,
  settled: inner.settled,
  get isSynced() {
    return inner.isSynced
  },
  run: inner.run,
})

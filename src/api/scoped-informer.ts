import type { Informer } from './informer.ts'

/** The same copy for somebody who ends with `signal`, and whose handlers end then, too. Who runs the copy goes on running it. */
export const scopedInformer = <V>(inner: Informer<V>, signal: AbortSignal): Informer<V> => ({
  get: inner.get,
  values: inner.values,
  entries: inner.entries,
  get size() {
    return inner.size
  },
  by: inner.by,
  onChange: (handler, own) => inner.onChange(handler, own ? AbortSignal.any([own, signal]) : signal),
  synced: inner.synced,
  settled: inner.settled,
  get isSynced() {
    return inner.isSynced
  },
  run: async () => undefined,
})

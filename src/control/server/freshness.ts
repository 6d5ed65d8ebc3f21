/** The step that makes a request see everything that was written before it, by whichever server. */
import type { Store } from '../storage/store.ts'
import type { Step } from './chain.ts'

/** A client that names a version which is here already is content with it. */
const isContent = (wanted: string | null, revision: number): boolean =>
  wanted !== null && /^\d+$/.test(wanted) && Number(wanted) <= revision

export const freshness =
  (store: Store): Step =>
  async (call, next) => {
    // Paths tell of the server itself, also when the store is away.
    if (call.info.kind === 'path') return next(call)
    if (call.method !== 'GET' || !isContent(call.query.get('resourceVersion'), store.revision)) await store.fresh()
    return next(call)
  }

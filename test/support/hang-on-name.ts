/**
 * Loaded into every thread (`--import`): a thread that looks for the name `hang.lab` in a map hangs for good, one that looks
 * for `crash.lab` ends. What no request can do, for those who watch over threads to be tested.
 */
import { isMainThread } from 'node:worker_threads'

if (!isMainThread) {
  const { get } = Map.prototype
  Map.prototype.get = function (key: unknown) {
    if (key === 'hang.lab') for (;;);
    if (key === 'crash.lab') process.exit(3)
    return get.call(this, key)
  }
}

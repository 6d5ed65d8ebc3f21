/** Changes that matter: a thousand nodes report every few minutes, and nobody who looks at all of them shall do so each time. */
import { deepEqual } from '../../api/deep-equal.ts'
import type { CopyReader } from '../../api/local-copy.ts'

/** Calls `action` when an object comes or goes, or `relevant` of it changes. */
export const onRelevantChange = <V>(
  copies: Pick<CopyReader<V>, 'onChange'>,
  relevant: (object: V) => unknown,
  action: () => void,
): void =>
  copies.onChange((_key, current, previous) => {
    if (current && previous && deepEqual(relevant(current), relevant(previous))) return
    action()
  })

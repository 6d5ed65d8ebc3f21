/** Writes pod statuses to the API, and knows what it has written before the news of it comes back. */
import { isDeepStrictEqual } from 'node:util'
import type { Client } from '../../api/client.ts'
import { isConflict, isNotFound } from '../../api/errors.ts'
import { pods } from '../../api/resources.ts'
import type { Pod, PodStatus } from '../../api/types/index.ts'

export interface StatusWriter {
  /** The newest version known: what was written last, unless the informer has moved on since. */
  latest(seen: Pod): Pod
  /**
   * Makes the API's status what `compute` says of the newest version; writes only what differs. False when the pod is gone
   * or has become another. Rejects when the API cannot be reached.
   */
  write(seen: Pod, compute: (pod: Pod) => PodStatus): Promise<boolean>
  forget(uid: string): void
}

interface Written {
  /** The version the informer showed when we wrote. */
  readonly seenVersion: string | undefined
  readonly pod: Pod
}

const maxConflicts = 5

/** What goes over the wire knows no undefined fields. */
const plain = (status: PodStatus): unknown => JSON.parse(JSON.stringify(status))

export const createStatusWriter = (client: Client): StatusWriter => {
  const written = new Map<string, Written>()
  const uidOf = (pod: Pod): string => pod.metadata.uid ?? ''

  const latest = (seen: Pod): Pod => {
    const last = written.get(uidOf(seen))
    return last && last.seenVersion === seen.metadata.resourceVersion ? last.pod : seen
  }

  const put = async (pod: Pod, status: PodStatus): Promise<Pod | 'stale' | 'gone'> => {
    try {
      return await client.updateStatus(pods, { ...pod, status })
    } catch (error) {
      if (isConflict(error)) return 'stale'
      if (isNotFound(error)) return 'gone'
      throw error
    }
  }

  const reread = async (pod: Pod): Promise<Pod | undefined> => {
    try {
      const fresh = await client.get(pods, pod.metadata.name, pod.metadata.namespace)
      return fresh.metadata.uid === pod.metadata.uid ? fresh : undefined
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw error
    }
  }

  return {
    latest,
    forget: (uid) => void written.delete(uid),
    write: async (seen, compute) => {
      let pod: Pod | undefined = latest(seen)
      for (let conflicts = 0; conflicts < maxConflicts && pod; conflicts++) {
        const status = compute(pod)
        if (isDeepStrictEqual(plain(status), plain(pod.status ?? {}))) return true
        const result = await put(pod, status)
        if (result === 'gone') return false
        if (result !== 'stale') {
          written.set(uidOf(seen), { seenVersion: seen.metadata.resourceVersion, pod: result })
          return true
        }
        pod = await reread(pod)
      }
      if (!pod) return false
      throw new Error(
        `the status of pod ${pod.metadata.namespace}/${pod.metadata.name} changes faster than it is written`,
      )
    },
  }
}

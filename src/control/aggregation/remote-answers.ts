/** Something that every API server behind this one is asked now and then: whoever does not answer delays nobody else. */
import type { Remote } from './remotes.ts'

const freshMs = 30_000
/** The same of one that did not answer. */
const retryMs = 5_000
/** For so long a first question is waited for. */
const patienceMs = 2_000

export interface RemoteAnswer<T> {
  readonly remote: Remote
  /** The latest one that there was. */
  readonly value: T | undefined
  /** Whether the latest question was answered. */
  readonly isFresh: boolean
}

interface Known<T> {
  readonly value: T | undefined
  readonly at: number
  readonly isFresh: boolean
}

const keyOf = ({ group, version, service, caBundle }: Remote): string =>
  `${version}.${group} ${service.namespace}/${service.name}:${service.port} ${caBundle ?? ''}`

/** `ask` rejects when there is no answer. */
export const createRemoteAnswers = <T>(
  ask: (remote: Remote) => Promise<T>,
  remotes: () => readonly Remote[],
  now: () => number,
): (() => Promise<readonly RemoteAnswer<T>[]>) => {
  const known = new Map<string, Known<T>>()
  const asking = new Map<string, Promise<void>>()

  const askOnce = async (remote: Remote): Promise<void> => {
    const key = keyOf(remote)
    try {
      known.set(key, { value: await ask(remote), at: now(), isFresh: true })
    } catch {
      // The availability of an APIService is told in its status.
      known.set(key, { value: known.get(key)?.value, at: now(), isFresh: false })
    }
  }

  const refresh = (remote: Remote): Promise<void> => {
    const key = keyOf(remote)
    const running = asking.get(key) ?? askOnce(remote).finally(() => asking.delete(key))
    asking.set(key, running)
    return running
  }

  const patience = (): Promise<void> =>
    new Promise((resolve) => {
      setTimeout(resolve, patienceMs).unref()
    })

  return async () => {
    const all = remotes()
    const present = new Set(all.map(keyOf))
    for (const key of known.keys()) if (!present.has(key)) known.delete(key)
    if (all.length === 0) return []
    const unknown = all.filter((remote) => remote.isExpected && !known.has(keyOf(remote)))
    for (const remote of all) {
      const { at = 0, isFresh = false } = known.get(keyOf(remote)) ?? {}
      if (now() - at > (isFresh ? freshMs : retryMs)) void refresh(remote)
    }
    if (unknown.length > 0) await Promise.race([Promise.all(unknown.map(refresh)), patience()])
    return all.map((remote) => {
      const { value, isFresh = false } = known.get(keyOf(remote)) ?? {}
      return { remote, value, isFresh }
    })
  }
}

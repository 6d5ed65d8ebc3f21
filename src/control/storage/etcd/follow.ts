/** The commits of all servers, as etcd tells them: in order, each whole, over members that come and go. */
import type { Commit, Follower, KeyChange } from '../backend.ts'
import type { EtcdKeys } from './keys.ts'
import type { Members } from './members.ts'
import type { WatchResponse } from './schema.ts'

const retryMs = 200

/** Events of one revision are one commit; etcd never splits them over two answers. */
const commitsOf = (keys: EtcdKeys, { events }: WatchResponse): readonly Commit[] => {
  const commits: { readonly revision: number; readonly changes: KeyChange[] }[] = []
  for (const { type, kv } of events) {
    const { modRevision: revision } = kv
    if (commits.at(-1)?.revision !== revision) commits.push({ revision, changes: [] })
    const key = keys.parse(kv.key)
    if (key) commits.at(-1)?.changes.push({ key, ...(type === 'DELETE' ? {} : { value: kv.value.toString() }) })
  }
  return commits
}

/** Tells of every commit after `start`; the result ends it. */
export const followEtcd = (members: Members, keys: EtcdKeys, start: number, follower: Follower): (() => void) => {
  let told = start
  let isEnded = false
  let end = (): void => undefined

  const lose = (reason: Error): void => {
    if (isEnded) return
    isEnded = true
    follower.lost(reason)
  }

  /** Resolves when the stream has ended. */
  const run = async (): Promise<void> => {
    const createRequest = { ...keys.all, startRevision: told + 1 }
    const stream = await members.watch({ createRequest })
    if (isEnded) return stream.cancel()
    end = () => stream.cancel()
    await new Promise<void>((resolve) => {
      stream.on('error', () => resolve())
      stream.on('end', () => resolve())
      stream.on('data', (answer: WatchResponse) => {
        if (isEnded) return
        for (const commit of commitsOf(keys, answer)) {
          told = commit.revision
          follower.commit(commit)
        }
        if (!answer.canceled) return
        if (answer.compactRevision > 0)
          lose(
            new Error(`etcd has forgotten what came after revision ${told} (compacted to ${answer.compactRevision})`),
          )
        stream.cancel()
        resolve()
      })
    })
  }

  const keepRunning = async (): Promise<void> => {
    while (!isEnded) {
      try {
        await run()
      } catch {
        // No member is there: requests say so; this goes on as soon as one is.
      }
      if (!isEnded) await new Promise((resolve) => setTimeout(resolve, retryMs))
    }
  }
  void keepRunning()

  return () => {
    isEnded = true
    end()
  }
}

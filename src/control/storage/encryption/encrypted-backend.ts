/** A backend whose values are encrypted on the way in and decrypted on the way out, whatever the medium. */
import { type Backend, type Follower, type Kept, type KeyChange, pathOf, RevisionMismatch } from '../backend.ts'
import { type EncryptionRule, providersOf } from './configuration.ts'
import { type OpenedValue, openValue, sealValue } from './values.ts'

export interface EncryptedBackend extends Backend {
  /**
   * Writes anew what is kept in another way than it would be now: after a change of keys, and when a store that was plain is
   * encrypted. Resolves with how many that were. Every server of the store must know the keys by then.
   */
  rewrite(): Promise<number>
}

/** Some more than that at a time would keep others from writing. */
const batchSize = 50

export const encryptBackend = (backend: Backend, rules: readonly EncryptionRule[]): EncryptedBackend => {
  const open = ({ key, value }: { readonly key: Kept['key']; readonly value: string }): OpenedValue =>
    openValue(providersOf(rules, key.bucket), pathOf(key), value)

  const sealed = <T extends KeyChange>(change: T): T =>
    change.value === undefined
      ? change
      : { ...change, value: sealValue(providersOf(rules, change.key.bucket), pathOf(change.key), change.value) }

  const opened = (change: KeyChange): KeyChange =>
    change.value === undefined
      ? change
      : { key: change.key, value: open({ key: change.key, value: change.value }).text }

  const follower = (inner: Follower): Follower => {
    let isLost = false
    return {
      commit: ({ revision, changes }) => {
        if (isLost) return
        let plain: readonly KeyChange[]
        try {
          plain = changes.map(opened)
        } catch (error) {
          // Another server has keys that this one lacks: to go on as if nothing was written would be wrong.
          isLost = true
          return inner.lost(error instanceof Error ? error : new Error(String(error)))
        }
        inner.commit({ revision, changes: plain })
      },
      lost: (reason) => {
        if (!isLost) inner.lost(reason)
      },
    }
  }

  const rewriteOne = async ({ key, revision, value }: Kept): Promise<number> => {
    const { text, isStale } = open({ key, value })
    if (!isStale) return 0
    try {
      await backend.commit([sealed({ key, expected: revision, value: text })])
      return 1
    } catch (error) {
      // Who wrote it meanwhile has written it as it should be.
      if (error instanceof RevisionMismatch) return 0
      throw error
    }
  }

  return {
    ...backend,
    load: async () => {
      const { revision, kept } = await backend.load()
      return { revision, kept: kept.map((each) => ({ ...each, value: open(each).text })) }
    },
    commit: (operations) => backend.commit(operations.map(sealed)),
    follow: (revision, inner) => backend.follow(revision, follower(inner)),
    rewrite: async () => {
      const { kept } = await backend.load()
      let count = 0
      for (let at = 0; at < kept.length; at += batchSize) {
        const written = await Promise.all(kept.slice(at, at + batchSize).map(rewriteOne))
        count += written.reduce((sum, each) => sum + each, 0)
      }
      if (count > 0) await backend.scrub?.()
      return count
    },
  }
}

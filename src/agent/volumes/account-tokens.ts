/** Tokens of ServiceAccounts for pods of this node: asked for, and again long before they end. */
import type { Client } from '../../api/client.ts'
import type { Clock } from '../../api/clock.ts'
import type { Pod } from '../../api/types/index.ts'

export interface TokenWish {
  /** Empty for the API. */
  readonly audience: string
  readonly seconds: number
}

interface Known {
  readonly token: string
  readonly renewAt: number
  readonly endsAt: number
}

export interface AccountTokenSource {
  /** One that is good for a while. Rejects with `ApiError` when there is none. */
  get(pod: Pod, wish: TokenWish): Promise<string>
  forget(uid: string): void
}

const longestMs = 86_400_000

/** As the kubelet does: when four fifths of its time are over, and at least once a day. */
const renewAt = (now: number, endsAt: number): number => now + Math.min((endsAt - now) * 0.8, longestMs)

export const createAccountTokenSource = (client: Client, clock: Clock): AccountTokenSource => {
  const known = new Map<string, Map<string, Known>>()

  const ask = async ({ metadata, spec }: Pod, { audience, seconds }: TokenWish): Promise<Known> => {
    const now = clock.now()
    const { token, expirationTimestamp } = await client.requestToken(
      { name: spec.serviceAccountName || 'default', namespace: metadata.namespace ?? '' },
      {
        audiences: audience === '' ? [] : [audience],
        expirationSeconds: seconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: metadata.name, uid: metadata.uid ?? '' },
      },
    )
    const endsAt = Date.parse(expirationTimestamp)
    return { token, endsAt, renewAt: renewAt(now, endsAt) }
  }

  return {
    get: async (pod, wish) => {
      const { uid = '' } = pod.metadata
      const ofPod = known.get(uid) ?? new Map<string, Known>()
      const key = `${wish.seconds} ${wish.audience}`
      const before = ofPod.get(key)
      if (before && clock.now() < before.renewAt) return before.token
      try {
        const fresh = await ask(pod, wish)
        known.set(uid, ofPod.set(key, fresh))
        return fresh.token
      } catch (error) {
        if (before && clock.now() < before.endsAt) return before.token
        throw error
      }
    },
    forget: (uid) => void known.delete(uid),
  }
}

/** Chooses an endpoint for each request, and knows which of them are in trouble. */
import { createHash } from 'node:crypto'
import type { Clock } from '../../../api/clock.ts'
import type { BackendKey } from '../policy/backend-key.ts'
import type { BackendProtocol } from '../policy/policy.ts'
import type { Backend, Endpoint } from '../routes/endpoints.ts'

/** By what an endpoint is chosen. */
export type PickBy =
  | { readonly kind: 'round-robin' | 'least-connections'; readonly slowStartMs?: number }
  /** The same text goes to the same endpoint, and to few others when endpoints come and go. */
  | { readonly kind: 'hash'; readonly key: string }
  /** The endpoint with this name; any other when it is gone. */
  | { readonly kind: 'sticky'; readonly id: string }

export interface Balancer {
  /** Replaces what stands behind a backend; undefined: nothing, and nobody asks any more. */
  set(backend: BackendKey, now: Backend | undefined): void
  /**
   * An endpoint that is not among `tried` where there is one, else any; undefined when the backend has none. It is asked
   * until `finished`.
   */
  pick(backend: BackendKey, tried: readonly Endpoint[], by: PickBy): Endpoint | undefined
  finished(backend: BackendKey, endpoint: Endpoint): void
  /** It could not be reached, or did not answer. After a few times in a row nobody is sent there for a while. */
  failed(endpoint: Endpoint): void
  answered(endpoint: Endpoint): void
  /** Whether any backend has this endpoint. */
  has(endpoint: string): boolean
  protocolOf(backend: BackendKey): BackendProtocol
  /** Whether the backend has an endpoint of this name. */
  knows(backend: BackendKey, id: string): boolean
  /** A name for an endpoint that tells nothing of its address. */
  idOf(endpoint: Endpoint): string
}

interface Member {
  readonly endpoint: Endpoint
  readonly seed: number
  /** When it was first seen. */
  readonly since: number
  active: number
}

interface Rotation {
  members: readonly Member[]
  protocol: BackendProtocol
  next: number
}

interface Trouble {
  failures: number
  /** How often it was sent away in a row. */
  rounds: number
  until: number
}

const failuresToEject = 3
const ejectMs = 10_000
const maxEjectMs = 60_000

/** FNV-1a: quick, and good enough to spread texts. */
const hash = (text: string, seed: number): number => {
  let value = (0x811c9dc5 ^ seed) >>> 0
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  // The last characters would hardly reach the high bits otherwise.
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d)
  return (value ^ (value >>> 13)) >>> 0
}

const shareAtStart = 0.1

const anybody = (): boolean => true

/** `onGone` learns of each endpoint that has left the last backend it belonged to. */
export const createBalancer = (
  clock: Pick<Clock, 'now'>,
  onGone: (endpoint: string) => void,
  random: () => number = Math.random,
): Balancer => {
  const rotations = new Map<BackendKey, Rotation>()
  const uses = new Map<string, number>()
  const troubles = new Map<string, Trouble>()
  const ids = new Map<string, string>()

  const use = (members: readonly Member[]): void => {
    for (const { endpoint } of members) uses.set(endpoint.key, (uses.get(endpoint.key) ?? 0) + 1)
  }
  const disuse = (members: readonly Member[]): void => {
    for (const { endpoint } of members) {
      const left = (uses.get(endpoint.key) ?? 0) - 1
      if (left > 0) {
        uses.set(endpoint.key, left)
        continue
      }
      uses.delete(endpoint.key)
      troubles.delete(endpoint.key)
      ids.delete(endpoint.key)
      onGone(endpoint.key)
    }
  }

  const set = (backend: BackendKey, now: Backend | undefined): void => {
    const previous = rotations.get(backend)
    const known = new Map(previous?.members.map((member) => [member.endpoint.key, member]))
    // Those of the first moment are not new: nobody would be warm otherwise.
    const since = previous ? clock.now() : Number.NEGATIVE_INFINITY
    const members = (now?.endpoints ?? []).map(
      (endpoint) => known.get(endpoint.key) ?? { endpoint, seed: hash(endpoint.key, 0), since, active: 0 },
    )
    // Counted in before the old ones are counted out: an endpoint that stays is never gone.
    use(members)
    if (previous) disuse(previous.members)
    if (now) rotations.set(backend, { members, protocol: now.protocol ?? 'http', next: previous?.next ?? 0 })
    else rotations.delete(backend)
  }

  const isEjected = ({ endpoint }: Member): boolean => {
    if (troubles.size === 0) return false
    const trouble = troubles.get(endpoint.key)
    return trouble !== undefined && trouble.until > clock.now()
  }

  /** A new endpoint gets a growing share: it is passed over more often the younger it is. */
  const isTooYoung = ({ since }: Member, slowStartMs: number | undefined): boolean => {
    if (slowStartMs === undefined) return false
    const age = (clock.now() - since) / slowStartMs
    return age < 1 && random() > Math.max(shareAtStart, age)
  }

  const inTurn = (rotation: Rotation, accepts: (member: Member) => boolean): Member | undefined => {
    const { members } = rotation
    for (let looked = 0; looked < members.length; looked++) {
      const member = members[rotation.next++ % members.length]
      if (member && accepts(member)) return member
    }
    return undefined
  }

  const best = (
    members: readonly Member[],
    accepts: (member: Member) => boolean,
    score: (member: Member) => number,
  ) => {
    let found: Member | undefined
    let highest = Number.NEGATIVE_INFINITY
    for (const member of members) {
      if (!accepts(member)) continue
      const points = score(member)
      if (points > highest) {
        found = member
        highest = points
      }
    }
    return found
  }

  const idOf = (endpoint: Endpoint): string => {
    const known = ids.get(endpoint.key)
    if (known) return known
    const id = createHash('sha256').update(`podway endpoint ${endpoint.key}`).digest('hex').slice(0, 24)
    ids.set(endpoint.key, id)
    return id
  }

  const choose = (rotation: Rotation, by: PickBy, accepts: (member: Member) => boolean): Member | undefined => {
    switch (by.kind) {
      case 'hash':
        // The highest of all scores (rendezvous): an endpoint that goes moves only its own texts.
        return best(rotation.members, accepts, ({ seed }) => hash(by.key, seed))
      case 'sticky':
        return (
          rotation.members.find((member) => accepts(member) && idOf(member.endpoint) === by.id) ??
          inTurn(rotation, accepts)
        )
      case 'least-connections': {
        // Of equals the next in turn after the last one, so that their shares are equal too.
        const start = rotation.next
        const { length } = rotation.members
        const turned = rotation.members.map((_, at) => rotation.members[(start + at) % length]).filter((each) => !!each)
        const found = best(
          turned,
          (each) => accepts(each) && !isTooYoung(each, by.slowStartMs),
          ({ active }) => -active,
        )
        if (found) rotation.next = rotation.members.indexOf(found) + 1
        return found
      }
      default:
        return by.slowStartMs === undefined
          ? inTurn(rotation, accepts)
          : inTurn(rotation, (each) => accepts(each) && !isTooYoung(each, by.slowStartMs))
    }
  }

  return {
    set,
    pick: (backend, tried, by) => {
      const rotation = rotations.get(backend)
      if (rotation === undefined) return undefined
      const isUntried = ({ endpoint }: Member): boolean =>
        tried.length === 0 || !tried.some(({ key }) => key === endpoint.key)
      // When all are in trouble, too young or tried, anybody is better than nobody.
      const member =
        choose(rotation, by, (each) => isUntried(each) && !isEjected(each)) ??
        inTurn(rotation, isUntried) ??
        inTurn(rotation, anybody)
      if (!member) return undefined
      member.active++
      return member.endpoint
    },
    finished: (backend, { key }) => {
      const member = rotations.get(backend)?.members.find(({ endpoint }) => endpoint.key === key)
      if (member && member.active > 0) member.active--
    },
    failed: ({ key }) => {
      if (!uses.has(key)) return
      const trouble = troubles.get(key) ?? { failures: 0, rounds: 0, until: 0 }
      troubles.set(key, trouble)
      if (++trouble.failures < failuresToEject) return
      trouble.failures = 0
      trouble.until = clock.now() + Math.min(maxEjectMs, ejectMs * 2 ** trouble.rounds++)
    },
    answered: ({ key }) => {
      if (troubles.size > 0) troubles.delete(key)
    },
    has: (endpoint) => uses.has(endpoint),
    knows: (backend, id) => rotations.get(backend)?.members.some(({ endpoint }) => idOf(endpoint) === id) ?? false,
    protocolOf: (backend) => rotations.get(backend)?.protocol ?? 'http',
    idOf,
  }
}

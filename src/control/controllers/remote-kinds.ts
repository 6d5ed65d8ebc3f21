/** Kinds of API servers behind this one, as rows: what belongs to their objects, and what lies in namespaces, is collected, too. */
import { type Clock, sleep } from '../../api/clock.ts'
import type { JsonObject } from '../../api/json.ts'
import type { ResourceDefinition } from '../resources/definition.ts'
import { pathSegmentName } from '../resources/names.ts'
import { everyVerb, type Verb } from '../resources/verbs.ts'
import type { RemoteVersion } from '../server/discovery.ts'

/** How the servers are asked what they have; none of them keeps the others waiting. */
export type FindRemoteVersions = () => Promise<readonly RemoteVersion[]>

export interface RemoteKinds {
  /** Those whose objects can be listed, watched and deleted; one version of each. */
  readonly rows: readonly ResourceDefinition[]
  /** Group versions of which nobody knows now what they have. */
  readonly unread: readonly string[]
  /** Looks again soon. */
  look(): void
  /** Follows them until `signal` aborts; `changed` is called after each look that found something else. */
  run(changed: () => void, signal: AbortSignal): Promise<void>
}

const lookEveryMs = 30_000
const settleMs = 200

const textOf = (entry: JsonObject, field: string): string => {
  const value = entry[field]
  return typeof value === 'string' ? value : ''
}

const verbsIn = ({ verbs }: JsonObject): readonly Verb[] =>
  everyVerb.filter((verb) => Array.isArray(verbs) && verbs.includes(verb))

const needed: readonly Verb[] = ['list', 'watch', 'delete']

/** Names that go into paths are nothing else. */
const plainName = /^[a-z0-9]([-a-z0-9.]{0,250}[a-z0-9])?$/

const rowsOf = ({ group, version, resources }: RemoteVersion): readonly ResourceDefinition[] =>
  resources.flatMap((entry) => {
    const [plural, kind, verbs] = [textOf(entry, 'name'), textOf(entry, 'kind'), verbsIn(entry)]
    if (!plainName.test(plural) || kind === '' || !needed.every((verb) => verbs.includes(verb))) return []
    return [
      {
        ...{ group, version, plural, singular: textOf(entry, 'singularName'), kind, verbs },
        ...{
          namespaced: entry['namespaced'] === true,
          columns: [],
          nameRule: pathSegmentName,
          custom: true,
          remote: true,
        },
      },
    ]
  })

export const createRemoteKinds = (find: FindRemoteVersions, clock: Clock): RemoteKinds => {
  let rows: readonly ResourceDefinition[] = []
  let unread: readonly string[] = []
  let state = ''
  let hurry: (() => void) | undefined

  const look = async (): Promise<boolean> => {
    const found = await find()
    const byName = Map.groupBy(found.flatMap(rowsOf), ({ group, plural }) => `${plural}.${group}`)
    rows = [...byName.values()].flatMap(([first]) => first ?? [])
    unread = found.filter(({ isFresh }) => !isFresh).map(({ group, version }) => `${group}/${version}`)
    const now = JSON.stringify([rows, unread])
    const isNews = now !== state
    state = now
    return isNews
  }

  return {
    get rows() {
      return rows
    },
    get unread() {
      return unread
    },
    look: () => hurry?.(),
    run: async (changed, signal) => {
      while (!signal.aborted) {
        if (await look()) changed()
        const asked = new AbortController()
        hurry = () => asked.abort()
        await sleep(lookEveryMs, AbortSignal.any([signal, asked.signal]), clock)
        // Who comes has to be asked first.
        await sleep(settleMs, signal, clock)
      }
    },
  }
}

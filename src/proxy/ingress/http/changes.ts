/** What a policy changes of the fields of a message. */
import type { Field } from './fields.ts'

export interface Changes {
  /** Small letters. */
  readonly dropped: ReadonlySet<string>
  readonly appended: readonly (readonly [name: string, value: string])[]
  /** Rewrites the value of a field that stays. */
  readonly map?: (field: Field) => string
}

/** Several changes, the later ones after the earlier. Undefined when there is none. */
export const joinChanges = (...all: readonly (Changes | undefined)[]): Changes | undefined => {
  const some = all.filter((each) => each !== undefined)
  const [only] = some
  if (some.length < 2) return only
  const map = some.flatMap((each) => (each.map ? [each.map] : []))
  return {
    dropped: new Set(some.flatMap(({ dropped }) => [...dropped])),
    appended: some.flatMap(({ appended }) => appended),
    ...(map.length > 0
      ? { map: ({ name, key, value }) => map.reduce((now, each) => each({ name, key, value: now }), value) }
      : {}),
  }
}

/** The fields to be passed on. */
export const changed = (field: Field, changes: Changes | undefined): string | undefined => {
  if (changes === undefined) return field.value
  const { dropped } = changes
  if (dropped.has(field.key)) return undefined
  // Backends that turn fields into variables take `X_User` for `X-User`.
  if (field.key.includes('_') && dropped.has(field.key.replaceAll('_', '-'))) return undefined
  return changes.map ? changes.map(field) : field.value
}

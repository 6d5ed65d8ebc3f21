/** What a policy changes of every answer. */
import type { Changes } from '../http/changes.ts'
import type { Field } from '../http/fields.ts'
import type { FieldChanges, RoutePolicy } from '../policy/policy.ts'

/** `set` replaces, `add` joins, `remove` takes away. Undefined when nothing changes. */
export const toChanges = ({ set, add, remove }: FieldChanges): Changes | undefined =>
  set.length + add.length + remove.length === 0
    ? undefined
    : { dropped: new Set([...remove, ...set.map(([name]) => name.toLowerCase())]), appended: [...set, ...add] }

const attributes = { Domain: /(;\s*domain=)([^;]*)/i, Path: /(;\s*path=)([^;]*)/i } as const

const cookieAttribute = (cookie: string, name: keyof typeof attributes, from: string, to: string): string =>
  cookie.replace(attributes[name], (all, start: string, value: string) => {
    if (name === 'Domain') return value.replace(/^\./, '') === from.replace(/^\./, '') ? `${start}${to}` : all
    return value.startsWith(from) ? `${start}${to}${value.slice(from.length)}` : all
  })

/** Location, Refresh and Set-Cookie of backends that do not know under which name they are reached. */
const mapOf = ({ redirectFrom, cookieDomain, cookiePath }: RoutePolicy): ((field: Field) => string) | undefined => {
  if (!redirectFrom && !cookieDomain && !cookiePath) return undefined
  return ({ key, value }) => {
    if (redirectFrom && (key === 'location' || key === 'refresh'))
      return value.startsWith(redirectFrom.from) ? `${redirectFrom.to}${value.slice(redirectFrom.from.length)}` : value
    if (key !== 'set-cookie') return value
    const scoped = cookieDomain ? cookieAttribute(value, 'Domain', cookieDomain.from, cookieDomain.to) : value
    return cookiePath ? cookieAttribute(scoped, 'Path', cookiePath.from, cookiePath.to) : scoped
  }
}

export const answerChanges = (policy: RoutePolicy): Changes | undefined => {
  const changes = toChanges(policy.responseFields)
  const map = mapOf(policy)
  return map ? { dropped: changes?.dropped ?? new Set(), appended: changes?.appended ?? [], map } : changes
}

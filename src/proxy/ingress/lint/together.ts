/** What only shows when Ingresses are looked at together: those of one class share their hosts. */
import { rulePath } from '../routes/rule-path.ts'
import { type Finding, finding, type LintWorld, type Place, placesOf, type Subject } from './finding.ts'

const classAnnotation = 'kubernetes.io/ingress.class'

const classOf = ({ ingress }: Subject): string =>
  ingress.metadata.annotations?.[classAnnotation] ?? ingress.spec?.ingressClassName ?? ''

const byAge = (a: Subject, b: Subject): number => {
  const [older = '', younger = ''] = [a.ingress.metadata.creationTimestamp, b.ingress.metadata.creationTimestamp]
  if (older !== younger) return older < younger ? -1 : 1
  return a.key < b.key ? -1 : Number(a.key > b.key)
}

/** Undefined for a path that matches nothing anyway. */
const slotOf = ({ subject, host, path, kind }: Place): string | undefined => {
  const wanted = kind === 'regex' ? { path } : rulePath(path)
  if ('problem' in wanted) return undefined
  const text = kind === 'prefix' ? wanted.path.replace(/\/$/, '') : wanted.path
  return JSON.stringify([classOf(subject), host, kind, text])
}

const nameOf = ({ host }: Place): string => (host === '' ? 'every host' : `host ${host}`)

const taken = (place: Place, { subject: winner }: Place): Finding => {
  const { subject, path, at } = place
  const sameAge = winner.ingress.metadata.creationTimestamp === subject.ingress.metadata.creationTimestamp
  const why = winner === subject ? 'is written first' : sameAge ? 'sorts first by name' : 'is older'
  const by = winner === subject ? 'this Ingress' : `Ingress ${winner.key}`
  return finding(subject, 'error', `${at}.path`, `is served by ${by} for ${nameOf(place)}: that one ${why}`, path)
}

/** Whether the path of a canary is a pattern is up to the main Ingress. */
const asPatternOf = (place: Place): string => slotOf({ ...place, kind: 'regex' }) ?? ''

const lintSlots = (places: readonly Place[], isComplete: boolean): readonly Finding[] => {
  const mains = new Map<string, Place>()
  const canaries = new Map<string, Place>()
  const found: Finding[] = []
  const claim = (place: Place, holders: Map<string, Place>): void => {
    const slot = slotOf(place)
    const holder = slot === undefined ? undefined : holders.get(slot)
    if (holder) found.push(taken(place, holder))
    else if (slot !== undefined) holders.set(slot, place)
  }
  for (const place of places) claim(place, place.subject.settings.canary ? canaries : mains)
  for (const [slot, place] of canaries)
    if (!mains.has(slot) && !mains.has(asPatternOf(place))) {
      const message = `there is no other Ingress ${isComplete ? '' : 'here '}with this path: nobody is sent to the canary`
      found.push(finding(place.subject, isComplete ? 'error' : 'warning', `${place.at}.path`, message, place.path))
    }
  return found
}

/** ingress-nginx makes patterns of all paths of a host as soon as one Ingress asks for it. */
const lintNeighbours = (places: readonly Place[]): readonly Finding[] => {
  const patterned = new Map<string, Subject>()
  const hostOf = ({ subject, host }: Place): string => JSON.stringify([classOf(subject), host])
  for (const place of places)
    if (place.subject.settings.regex && !patterned.has(hostOf(place))) patterned.set(hostOf(place), place.subject)
  return places.flatMap((place) => {
    const { subject, at, path } = place
    const other = patterned.get(hostOf(place))
    if (!other || subject.settings.regex || subject.settings.canary) return []
    const message = `ingress-nginx would take it for a pattern, because Ingress ${other.key} has patterns on ${nameOf(place)}; here it is text`
    return [finding(subject, 'warning', `${at}.path`, message, path)]
  })
}

/** Paths that two Ingresses want, canaries of nothing, and patterns on a host with other Ingresses. */
export const lintTogether = (subjects: readonly Subject[], { isComplete }: LintWorld): readonly Finding[] => {
  const places = [...subjects].sort(byAge).flatMap(placesOf)
  return [...lintSlots(places, isComplete), ...lintNeighbours(places)]
}

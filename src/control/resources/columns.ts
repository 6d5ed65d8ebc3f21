/** Building blocks of `kubectl get` tables. */
import type { KubeObject } from '../../api/types/index.ts'
import type { Column } from './definition.ts'

const minute = 60
const hour = 60 * minute
const day = 24 * hour
const year = 365 * day

/** `3m20s`; the smaller unit is left out when it is zero. */
const two = (seconds: number, [big, bigName]: Unit, [small, smallName]: Unit): string => {
  const rest = Math.floor((seconds % big) / small)
  return `${Math.floor(seconds / big)}${bigName}${rest === 0 ? '' : `${rest}${smallName}`}`
}
type Unit = readonly [seconds: number, name: string]

/** A span as kubectl prints ages: `42s`, `3m20s`, `2h5m`, `4d3h`, `2y40d`. */
export const humanDuration = (ms: number): string => {
  const s = Math.floor(ms / 1000)
  if (s < -1) return '<invalid>'
  if (s < 0) return '0s'
  if (s < 2 * minute) return `${s}s`
  if (s < 10 * minute) return two(s, [minute, 'm'], [1, 's'])
  if (s < 3 * hour) return `${Math.floor(s / minute)}m`
  if (s < 8 * hour) return two(s, [hour, 'h'], [minute, 'm'])
  if (s < 2 * day) return `${Math.floor(s / hour)}h`
  if (s < 8 * day) return two(s, [day, 'd'], [hour, 'h'])
  if (s < 2 * year) return `${Math.floor(s / day)}d`
  if (s < 8 * year) return two(s, [year, 'y'], [day, 'd'])
  return `${Math.floor(s / year)}y`
}

/** The time since an RFC 3339 moment. */
export const since = (time: string | null | undefined, now: number): string =>
  time ? humanDuration(now - Date.parse(time)) : '<unknown>'

type Shown<T extends KubeObject> = Column<T>['cell']

export const column = <T extends KubeObject>(
  name: string,
  cell: Shown<T>,
  description: string,
  type: Column['type'] = 'string',
): Column<T> => ({ name, type, priority: 0, description, cell })

/** As `column`, shown with `-o wide` only. */
export const wide = <T extends KubeObject>(name: string, cell: Shown<T>, description: string): Column<T> => ({
  ...column(name, cell, description),
  priority: 1,
})

export const nameColumn: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  priority: 0,
  description: 'The name, unique among its kind (in its namespace, when it has one)',
  cell: (object) => object.metadata.name,
}

export const ageColumn: Column = column(
  'Age',
  (object, now) => since(object.metadata.creationTimestamp, now),
  'How long ago the object was created',
)

/** In place of an age. */
export const createdColumn: Column = column(
  'Created At',
  ({ metadata }) => metadata.creationTimestamp ?? '',
  'When the object was created',
  'date',
)

/** `a,b` or `<none>`. */
export const list = (items: readonly string[], none = '<none>'): string => (items.length === 0 ? none : items.join(','))

/** How many items a short text names. */
export const shortened = 3

/** The first ones, and how many more there are. */
export const shorten = (items: readonly string[], count = items.length): string => {
  if (items.length === 0) return '<none>'
  const rest = count - shortened
  return rest > 0 ? `${items.slice(0, shortened).join(',')} + ${rest} more...` : items.join(',')
}

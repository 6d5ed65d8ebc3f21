/** An answer of an API server in the form in which two of them are compared, and what is different between two. */
import type { Value } from './mutants.ts'

/** What a write came to: the object as it would be kept, or what is wrong with it. */
export type Comparable =
  | { readonly code: number; readonly object: Value }
  | { readonly code: number; readonly reason: string; readonly causes: readonly string[]; readonly message: string }

type Fields = { readonly [key: string]: Value }

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** What is different each time, and says nothing. */
const perWrite = new Set(['uid', 'resourceVersion', 'creationTimestamp', 'managedFields', 'selfLink', 'generateName'])

/** What a server picks itself out of many. */
const isPicked = (path: string, value: Value): boolean =>
  (/\.clusterIPs?(\[0\])?$/.test(path) && typeof value === 'string' && /^\d+\.\d+\.\d+\.\d+$/.test(value)) ||
  (/odePort$/.test(path) && typeof value === 'number' && value >= 30_000 && value < 33_000)

/** Servers give them by chance; those of tests are counted. */
const isUid = (value: Value): boolean =>
  typeof value === 'string' && /^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|uid-\d+)$/.test(value)

const isTime = (value: Value): boolean => typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/.test(value)

const settle = (value: Value, path: string): Value => {
  if (Array.isArray(value)) return value.map((item, at) => settle(item, `${path}[${at}]`))
  if (isTime(value)) return 'TIME'
  if (isUid(value)) return 'UID'
  if (isPicked(path, value)) return 'PICKED'
  if (!isFields(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !(path === 'metadata' && perWrite.has(key)))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, settle(item, path === '' ? key : `${path}.${key}`)]),
  )
}

const causesOf = (status: Fields): readonly string[] => {
  const causes = isFields(status['details']) ? status['details']['causes'] : undefined
  if (!Array.isArray(causes)) return []
  return [...new Set(causes.map((cause) => (isFields(cause) ? `${cause['field']} ${cause['reason']}` : '?')))].sort()
}

/** A path that is not served is told in plain text, which is the reason then. */
export const comparable = (code: number, body: Value): Comparable => {
  if (code < 400) return { code, object: settle(body, '') }
  const status = isFields(body) ? body : { reason: body }
  const { reason = '', message = '' } = status
  return { code, reason: String(reason ?? ''), causes: causesOf(status), message: String(message ?? '') }
}

/** `path: what is there` for everything that differs between two values; the second is ours. */
export const differencesOf = (reference: Value | undefined, ours: Value | undefined, path = ''): readonly string[] => {
  if (JSON.stringify(reference) === JSON.stringify(ours)) return []
  if (isFields(reference) && isFields(ours))
    return [...new Set([...Object.keys(reference), ...Object.keys(ours)])].flatMap((key) =>
      differencesOf(reference[key], ours[key], path === '' ? key : `${path}.${key}`),
    )
  if (Array.isArray(reference) && Array.isArray(ours) && reference.length === ours.length)
    return reference.flatMap((item, at) => differencesOf(item, ours[at], `${path}[${at}]`))
  return [`${path}: ${short(reference)} / ${short(ours)}`]
}

const short = (value: Value | undefined): string => {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

const wordOf = ({ code, ...rest }: Comparable, words: boolean): string =>
  'causes' in rest
    ? `${code} ${rest.reason} ${rest.causes.join(', ')}${words ? ` "${rest.message}"` : ''}`.trim()
    : String(code)

/** Everything that differs, one by one; nothing when both servers mean the same. `words`: messages count, too. */
export const compare = (reference: Comparable, ours: Comparable, words = false): readonly string[] => {
  if ('object' in reference && 'object' in ours && reference.code === ours.code)
    return differencesOf(reference.object, ours.object)
  const [a, b] = [wordOf(reference, words), wordOf(ours, words)]
  return a === b ? [] : [`${a} / ${b}`]
}

/** SkyDNS' records: one JSON object under a path, which is the name from the right to the left. Pure. */
import { encodeName } from '../wire/name.ts'

export interface SkyRecord {
  /** An address or a name. */
  readonly host: string
  readonly port: number
  readonly priority: number
  readonly weight: number
  readonly text: string
  /** A mail exchanger, too. */
  readonly mail: boolean
  readonly ttl: number
  /** So many labels of the record's own name are left out where it is a target. */
  readonly targetstrip: number
  readonly group: string
}

/** A record and the name it is under. */
export interface SkyEntry {
  /** Lower case, without the last dot. */
  readonly name: string
  readonly record: SkyRecord
}

const defaults: SkyRecord = {
  ...{ host: '', port: 0, priority: 10, weight: 100, text: '', mail: false, ttl: 3_600, targetstrip: 0, group: '' },
}

const isNumber = (value: unknown, most: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most

const limits = { port: 65_535, priority: 65_535, weight: 65_535, ttl: 2 ** 31 - 1, targetstrip: 127 } as const

/** Throws with what is wrong. Fields that SkyDNS does not know are left out. */
export const parseSkyRecord = (text: string): SkyRecord => {
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('a record is a JSON object')
  const found = value as Readonly<Record<string, unknown>>
  for (const [field, most] of Object.entries(limits))
    if (field in found && !isNumber(found[field], most)) throw new Error(`${field} is no number from 0 to ${most}`)
  for (const field of ['host', 'text', 'group'])
    if (field in found && typeof found[field] !== 'string') throw new Error(`${field} is no text`)
  if ('mail' in found && typeof found['mail'] !== 'boolean') throw new Error('mail is neither true nor false')
  const known = Object.fromEntries(Object.entries(found).filter(([field]) => field in defaults))
  const record: SkyRecord = { ...defaults, ...known }
  if (record.host === '' && record.text === '') throw new Error('there is neither a host nor a text')
  encodeName(record.host)
  return record
}

/** `/skydns/local/skydns/east/1` is `1.east.skydns.local`. Throws for a name that DNS cannot hold. */
export const nameOfPath = (path: string, prefix = '/skydns'): string => {
  if (path !== prefix && !path.startsWith(`${prefix}/`)) throw new Error(`${path} is not below ${prefix}`)
  const name = path.slice(prefix.length).split('/').filter(Boolean).reverse().join('.').toLowerCase()
  encodeName(name)
  return name
}

export const pathOfName = (name: string, prefix = '/skydns'): string =>
  [prefix, ...name.split('.').filter(Boolean).reverse()].join('/')

/** As SkyDNS writes one: what is as ever is left out, but for what a Service always has. */
export const renderSkyRecord = ({ host, port, priority, weight, text, mail, ttl, targetstrip, group }: SkyRecord) =>
  JSON.stringify({
    host,
    ...(port === 0 ? {} : { port }),
    ...{ priority, weight },
    ...(text === '' ? {} : { text }),
    ...(mail ? { mail } : {}),
    ...{ ttl, targetstrip },
    ...(group === '' ? {} : { group }),
  })

/** SkyDNS' records: one JSON object under a path, which is the name from the right to the left. Pure. */
import { goBoolean, goInteger, goString, goStruct, orElse, readGoJson } from '../../api/go-json.ts'
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

const defaults = { priority: 10, weight: 100, ttl: 3_600 } as const

/** SkyDNS and CoreDNS read records so, and leave out what they do not know. */
const stored = goStruct('open', {
  ...{ host: goString, text: goString, group: goString, mail: goBoolean },
  port: goInteger(0, 65_535),
  priority: orElse(goInteger(0, 65_535), defaults.priority),
  weight: orElse(goInteger(0, 65_535), defaults.weight),
  ttl: orElse(goInteger(0, 2 ** 31 - 1), defaults.ttl),
  targetstrip: goInteger(0, 127),
})

/** Throws with what is wrong. */
export const parseSkyRecord = (text: string): SkyRecord => {
  const record: SkyRecord = readGoJson(text, stored)
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

/** The static table of HPACK (RFC 7541 appendix A). */
import type { Field } from '../http/fields.ts'

const entries: readonly (readonly [name: string, value?: string])[] = [
  [':authority'],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset'],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language'],
  ['accept-ranges'],
  ['accept'],
  ['access-control-allow-origin'],
  ['age'],
  ['allow'],
  ['authorization'],
  ['cache-control'],
  ['content-disposition'],
  ['content-encoding'],
  ['content-language'],
  ['content-length'],
  ['content-location'],
  ['content-range'],
  ['content-type'],
  ['cookie'],
  ['date'],
  ['etag'],
  ['expect'],
  ['expires'],
  ['from'],
  ['host'],
  ['if-match'],
  ['if-modified-since'],
  ['if-none-match'],
  ['if-range'],
  ['if-unmodified-since'],
  ['last-modified'],
  ['link'],
  ['location'],
  ['max-forwards'],
  ['proxy-authenticate'],
  ['proxy-authorization'],
  ['range'],
  ['referer'],
  ['refresh'],
  ['retry-after'],
  ['server'],
  ['set-cookie'],
  ['strict-transport-security'],
  ['transfer-encoding'],
  ['user-agent'],
  ['vary'],
  ['via'],
  ['www-authenticate'],
]

/** Indexes begin at 1. */
export const staticFields: readonly Field[] = entries.map(([name, value = '']) => ({ name, key: name, value }))

/** The index of the first entry of the dynamic table. */
export const firstDynamic = staticFields.length + 1

/** How the static table knows a name. */
export interface StaticName {
  readonly index: number
  /** Where the name stands with a value. */
  readonly values: ReadonlyMap<string, number>
}

const indexNames = (): ReadonlyMap<string, StaticName> => {
  const names = new Map<string, { index: number; values: Map<string, number> }>()
  staticFields.forEach(({ key, value }, at) => {
    const name = names.get(key) ?? { index: at + 1, values: new Map<string, number>() }
    if (value !== '') name.values.set(value, at + 1)
    names.set(key, name)
  })
  return names
}

export const staticNames = indexNames()

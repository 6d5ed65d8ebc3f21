/**
 * Names that nearly every message has, as most programs write them. A name that is found here is one string for all
 * messages: nothing is cut out, folded to small letters or hashed.
 */

export interface KnownName {
  readonly name: string
  /** In small letters. */
  readonly key: string
}

const spellings = [
  ...['Host', 'User-Agent', 'Accept', 'Accept-Encoding', 'Accept-Language', 'Accept-Ranges', 'Authorization'],
  ...['Cache-Control', 'Connection', 'Content-Encoding', 'Content-Length', 'Content-Type', 'Cookie', 'Date', 'ETag'],
  ...['Expires', 'Keep-Alive', 'Last-Modified', 'Location', 'Origin', 'Pragma', 'Referer', 'Server', 'Set-Cookie'],
  ...['Transfer-Encoding', 'Upgrade', 'Upgrade-Insecure-Requests', 'Vary', 'Via', 'X-Forwarded-For', 'X-Powered-By'],
  ...['X-Request-ID', 'Sec-Fetch-Dest', 'Sec-Fetch-Mode', 'Sec-Fetch-Site', 'Sec-Fetch-User', 'Priority'],
]

const longest = Math.max(...spellings.map(({ length }) => length))

const place = (length: number, first: number): number => (length << 8) | first

/** By length and first character: at most a few share both. */
const places: KnownName[][] = Array.from({ length: place(longest + 1, 0) }, () => [])
for (const spelling of spellings)
  for (const name of new Set([spelling, spelling.toLowerCase()])) {
    const at = place(name.length, name.charCodeAt(0))
    places[at]?.push({ name, key: spelling.toLowerCase() })
  }

/** The name that stands in `text` from `start` to `end`. */
export const knownName = (text: string, start: number, end: number): KnownName | undefined => {
  const candidates = places[place(end - start, text.charCodeAt(start))]
  if (candidates === undefined) return undefined
  for (const each of candidates) if (text.startsWith(each.name, start)) return each
  return undefined
}

/** Which annotations of an object are meant for the proxy. */

const theirs = 'nginx.ingress.kubernetes.io/'
const ours = 'ingress.podway.dev/'

export interface Written {
  /** Without the prefix. */
  readonly key: string
  readonly fullKey: string
  readonly value: string
  readonly isOurs: boolean
}

/** One entry a key, sorted; where both prefixes are there, ours counts. */
export const writtenKeys = (annotations: Readonly<Record<string, string>>): readonly Written[] => {
  const found = new Map<string, Written>()
  for (const prefix of [theirs, ours])
    for (const [fullKey, value] of Object.entries(annotations)) {
      if (!fullKey.startsWith(prefix)) continue
      const key = fullKey.slice(prefix.length)
      found.set(key, { key, fullKey, value, isOurs: prefix === ours })
    }
  return [...found.values()].sort((a, b) => (a.key < b.key ? -1 : 1))
}

export const ownKey = (key: string): string => `${ours}${key}`

/** The places of keys that stood before, in order. A missing key is like no other. */
export const repeatedAt = (keys: readonly (string | undefined)[]): readonly number[] => {
  const seen = new Set<string>()
  return keys.flatMap((key, at) => {
    if (key === undefined) return []
    if (seen.has(key)) return [at]
    seen.add(key)
    return []
  })
}

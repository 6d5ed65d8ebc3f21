/** The order of a kind's versions in which clients look through them: `v2`, `v1`, `v1beta1`, `v1alpha1`, then others by name. Pure. */

const stages: readonly string[] = ['alpha', 'beta', '']

const partsOf = (version: string): readonly [stage: number, major: number, minor: number] | undefined => {
  const found = /^v(\d{1,9})(?:(alpha|beta)(\d{1,9}))?$/.exec(version)
  if (!found) return undefined
  const [, major, stage = '', minor = 0] = found
  return [stages.indexOf(stage), Number(major), Number(minor)]
}

/** Less than zero: `a` comes first. */
export const byVersion = (a: string, b: string): number => {
  const [first, second] = [partsOf(a), partsOf(b)]
  if (!first || !second) return first ? -1 : second ? 1 : a < b ? -1 : a > b ? 1 : 0
  for (const [at, part] of first.entries()) {
    const difference = (second[at] ?? 0) - part
    if (difference !== 0) return difference
  }
  return 0
}

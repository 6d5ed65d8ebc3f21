/** Names that the operator puts in place of others; clients see an alias. Pure. */
import type { RewriteRule } from '../config/config.ts'
import { maxNameBytes } from '../wire/name.ts'

/** The first rule that fits. A name whose replacement would be too long for DNS has none. */
export const aliasesOf =
  (rules: readonly RewriteRule[]) =>
  (name: string): string | undefined => {
    for (const { kind, from, to } of rules) {
      if (name === from) return to
      if (kind !== 'suffix' || !name.endsWith(`.${from}`)) continue
      const instead = `${name.slice(0, -from.length)}${to}`
      return instead.length + 2 <= maxNameBytes ? instead : undefined
    }
    return undefined
  }

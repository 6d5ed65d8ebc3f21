/** Names that the operator puts in place of others; clients see an alias. */

import type { Handler } from '../chain/request.ts'
import type { RewriteRule } from '../config/config.ts'
import { maxNameBytes } from '../wire/name.ts'
import { cnameRecord } from '../zone/records.ts'
import { answerAlias } from './alias.ts'

const isAtOrBelow = (name: string, ancestor: string): boolean => name === ancestor || name.endsWith(`.${ancestor}`)

/**
 * The first rule that fits. A name whose replacement would be too long for DNS has none, and what a rule has put in place
 * (`prod.example` for `example`) it does not replace again.
 */
export const aliasesOf =
  (rules: readonly RewriteRule[]) =>
  (name: string): string | undefined => {
    for (const { kind, from, to } of rules) {
      if (isAtOrBelow(to, from) && isAtOrBelow(name, to)) continue
      if (name === from) return to
      if (kind !== 'suffix' || !name.endsWith(`.${from}`)) continue
      const instead = `${name.slice(0, -from.length)}${to}`
      return instead.length + 2 <= maxNameBytes ? instead : undefined
    }
    return undefined
  }

/** The names are those of others: nothing said of them has authority. */
export const rewrittenNames = (rules: readonly RewriteRule[], ttl: number): Handler => {
  const aliasOf = aliasesOf(rules)
  return (request, next) => {
    const { name } = request.query
    const target = aliasOf(name)
    if (target === undefined) return next()
    return answerAlias(request, { record: cnameRecord(name, target), ttl, isAuthoritative: false })
  }
}

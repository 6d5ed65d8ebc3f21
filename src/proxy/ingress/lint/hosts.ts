/** Hosts that no request names. */
import { isAddress } from '../../../ip/address.ts'
import { hostOrWildcard } from '../annotations/text.ts'
import { WrongValue } from '../annotations/value.ts'
import { type Finding, finding, type Subject } from './finding.ts'

const problemOf = (host: string): string | undefined => {
  if (isAddress(host)) return 'is an address: rules are for names'
  if (/:\d+$/.test(host)) return 'names a port: rules are for all ports'
  if (/\*/.test(host.replace(/^\*\./, '')))
    return 'uses "*" wrongly: it is the first label, alone, and stands for exactly one; for every host, leave host out'
  try {
    hostOrWildcard(host)
    return undefined
  } catch (error) {
    if (error instanceof WrongValue) return 'is not a host name'
    throw error
  }
}

export const lintHosts = (subject: Subject): readonly Finding[] =>
  (subject.ingress.spec?.rules ?? []).flatMap(({ host }, rule) => {
    const problem = host && problemOf(host)
    return problem ? [finding(subject, 'error', `spec.rules[${rule}].host`, problem, host)] : []
  })

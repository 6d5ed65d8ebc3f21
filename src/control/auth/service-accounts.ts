/** The users that ServiceAccounts are, by name. */
import { checkSubdomain } from '../../api/names.ts'
import { checkLabel } from '../resources/names.ts'

export interface AccountName {
  readonly namespace: string
  readonly name: string
}

const form = /^system:serviceaccount:([^:]+):([^:]+)$/

/** The account of `system:serviceaccount:NAMESPACE:NAME`; undefined for users that are none. */
export const accountOf = (userName: string): AccountName | undefined => {
  const [, namespace, name] = form.exec(userName) ?? []
  if (namespace === undefined || name === undefined) return undefined
  return checkLabel(namespace) === undefined && checkSubdomain(name) === undefined ? { namespace, name } : undefined
}

/** The step that lets one who may act as somebody else: `kubectl --as`, `--as-group`, `--as-uid`, and Impersonate-Extra-*. */
import { badRequest } from '../../api/errors.ts'
import type { Authorizer, ResourceAccess } from '../auth/authorizer.ts'
import { accountOf } from '../auth/service-accounts.ts'
import { anonymous, authenticatedGroup, type User, unauthenticatedGroup } from '../auth/user.ts'
import { accountGroups } from '../tokens/claims.ts'
import { denied } from './authorization.ts'
import { type Call, type Headers, withHeaders } from './call.ts'
import type { Step } from './chain.ts'

const prefix = 'impersonate-'
const extraPrefix = `${prefix}extra-`

const valuesOf = (headers: Headers, name: string): readonly string[] =>
  (headers[`${prefix}${name}`] ?? []).filter((value) => value !== '')

/** Keys may hold what headers may not, such as `/`, as `%2f`. */
const unescaped = (key: string): string => {
  try {
    return decodeURIComponent(key)
  } catch {
    return key
  }
}

const extraOf = (headers: Headers): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, values = []]) =>
      name.startsWith(extraPrefix) ? [[unescaped(name.slice(extraPrefix.length)), values]] : [],
    ),
  )

/** Those that come by themselves, beside the ones that were asked for. */
const groupsOf = (name: string, asked: readonly string[]): readonly string[] => {
  const account = accountOf(name)
  const groups = asked.length === 0 && account ? accountGroups(account.namespace) : asked
  if (groups.includes(authenticatedGroup) || groups.includes(unauthenticatedGroup)) return groups
  return [...groups, name === anonymous.name ? unauthenticatedGroup : authenticatedGroup]
}

interface Impersonation {
  readonly user: User
  /** Each of these must be allowed. */
  readonly accesses: readonly ResourceAccess[]
}

const impersonate = (what: Pick<ResourceAccess, 'plural' | 'name'> & Partial<ResourceAccess>): ResourceAccess => ({
  ...{ kind: 'resource', verb: 'impersonate', group: '', version: 'v1' },
  ...{ subresource: undefined, namespace: undefined },
  ...what,
})

const accessToUser = (name: string): ResourceAccess => {
  const account = accountOf(name)
  return account ? impersonate({ plural: 'serviceaccounts', ...account }) : impersonate({ plural: 'users', name })
}

/** Undefined when nobody else is asked for. Throws BadRequest for parts of a user without its name. */
const impersonationOf = (headers: Headers): Impersonation | undefined => {
  const [name] = valuesOf(headers, 'user')
  const asked = valuesOf(headers, 'group')
  const [uid] = valuesOf(headers, 'uid')
  const extra = extraOf(headers)
  const keys = Object.keys(extra)
  if (name === undefined) {
    if (asked.length === 0 && uid === undefined && keys.length === 0) return undefined
    throw badRequest('requested groups, a uid or extra fields without impersonating a user')
  }
  const authentication = { group: 'authentication.k8s.io' }
  return {
    user: {
      ...{ name, groups: groupsOf(name, asked) },
      ...(uid === undefined ? {} : { uid }),
      ...(keys.length === 0 ? {} : { extra }),
    },
    accesses: [
      accessToUser(name),
      ...asked.map((group) => impersonate({ plural: 'groups', name: group })),
      ...Object.entries(extra).flatMap(([subresource, values]) =>
        values.map((value) => impersonate({ plural: 'userextras', subresource, name: value, ...authentication })),
      ),
      ...(uid === undefined ? [] : [impersonate({ plural: 'uids', name: uid, ...authentication })]),
    ],
  }
}

const withoutImpersonation = ({ headers }: Call): Headers =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(prefix)))

export const impersonation =
  (authorizer: Authorizer): Step =>
  async (call, next) => {
    const wanted = impersonationOf(call.headers)
    if (!wanted) return next(call)
    for (const access of wanted.accesses) {
      const { decision, reason } = await authorizer.authorize({ user: call.user, request: access, labelSelector: '' })
      if (decision !== 'allow') throw denied(call.user, access, reason)
    }
    call.trail?.actsAs(wanted.user)
    return next({ ...call, ...withHeaders(withoutImpersonation(call)), user: wanted.user })
  }

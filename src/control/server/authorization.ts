/** The step that asks whether the caller may. Nobody's body is read before it. */
import { ApiError, forbidden } from '../../api/errors.ts'
import { accessOf } from '../auth/access.ts'
import type { Access, Authorizer } from '../auth/authorizer.ts'
import type { User } from '../auth/user.ts'
import type { Step } from './chain.ts'

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
const escaped = (text: string): string => text.replaceAll(/[&<>]/g, (char) => escapes[char] ?? char)

const whatIsDenied = (user: User, access: Access): string => {
  const who = `User ${JSON.stringify(user.name)} cannot ${access.verb}`
  if (access.kind === 'path') return escaped(`${who} path ${JSON.stringify(access.path)}`)
  const { plural, subresource, group, namespace } = access
  const resource = subresource === undefined ? plural : `${plural}/${subresource}`
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`
  return escaped(`${who} resource ${JSON.stringify(resource)} in API group ${JSON.stringify(group)} ${where}`)
}

/** 403 in the words of Kubernetes. */
export const denied = (user: User, access: Access, reason = ''): ApiError => {
  const why = `${whatIsDenied(user, access)}${reason === '' ? '' : `: ${reason}`}`
  return access.kind === 'path'
    ? new ApiError(403, 'Forbidden', `forbidden: ${why}`, {})
    : forbidden(access, access.name ?? '', why)
}

export const authorization =
  (authorizer: Authorizer): Step =>
  async (call, next) => {
    const { info, query, user } = call
    const access = accessOf(info, query)
    const labelSelector = query.get('labelSelector') ?? ''
    const { decision, reason } = await authorizer.authorize({ user, request: access, labelSelector })
    call.trail?.annotate('authorization.k8s.io/decision', decision === 'allow' ? 'allow' : 'forbid')
    call.trail?.annotate('authorization.k8s.io/reason', reason ?? '')
    if (decision !== 'allow') throw denied(user, access, reason)
    return next(call)
  }

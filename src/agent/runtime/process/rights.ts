/** What a container's processes may do, as words for setpriv(1). Pure. */
import { usualCapabilities } from '../linux-capabilities.ts'
import type { ContainerSecurity } from '../security.ts'

export type Rights = Pick<ContainerSecurity, 'user' | 'groups' | 'noNewPrivileges' | 'capabilities'>

const userWords = (user: Rights['user']): readonly string[] => {
  if (user === undefined) return []
  if ('named' in user) throw new Error(`no image of a process tells who ${JSON.stringify(user.named)} is`)
  return [`--reuid=${user.uid}`, `--regid=${user.gid ?? 0}`]
}

/** `canSetGroups`: not in a user namespace with one user. */
export const rightsWords = (
  { user, groups = [], noNewPrivileges, capabilities = usualCapabilities }: Rights,
  canSetGroups: boolean,
): readonly string[] => [
  ...userWords(user),
  ...(groups.length > 0 ? [`--groups=${groups.join()}`] : canSetGroups ? ['--clear-groups'] : []),
  ...(capabilities === 'all'
    ? []
    : [`--bounding-set=${['-all', ...capabilities.map((name) => `+${name}`)].join()}`, '--inh-caps=-all']),
  ...(noNewPrivileges ? ['--no-new-privs'] : []),
]

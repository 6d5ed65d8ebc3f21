/** What a container's processes may do, as words for setpriv(1). Pure. */
import { usualCapabilities } from '../capabilities.ts'
import type { ContainerSpec } from '../runtime.ts'

export type Rights = Pick<ContainerSpec, 'user' | 'groups' | 'noNewPrivileges' | 'capabilities'>

/** `canSetGroups`: not in a user namespace with one user. */
export const rightsWords = (
  { user, groups = [], noNewPrivileges, capabilities = usualCapabilities }: Rights,
  canSetGroups: boolean,
): readonly string[] => [
  ...(user === undefined ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`]),
  ...(groups.length > 0 ? [`--groups=${groups.join()}`] : canSetGroups ? ['--clear-groups'] : []),
  ...(capabilities === 'all'
    ? []
    : [`--bounding-set=${['-all', ...capabilities.map((name) => `+${name}`)].join()}`, '--inh-caps=-all']),
  ...(noNewPrivileges ? ['--no-new-privs'] : []),
]

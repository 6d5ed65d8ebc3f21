/** What a runtime can honour of the things that pods ask for. Whoever checks a pod asks here, and knows no runtime. */

export type Feature =
  /** A container's root is its image's, and is its own. Otherwise all containers of a pod share one, and see the same mounts. */
  | 'images'
  /** Nothing in a container's root can be written to but its volumes. */
  | 'read-only-root'
  | 'seccomp'
  | 'apparmor'
  | 'selinux'
  | 'unmasked-proc'
  | 'sysctls'
  | 'host-pid'
  | 'host-ipc'
  /** A process namespace for each container, where the pod does not ask for one that is shared. */
  | 'own-pids'
  /** A container that is started later can be in the process namespace of one that runs. */
  | 'joined-pids'
  | 'devices'
  /** Containers see what is mounted on the node later, below volumes that ask for it. */
  | 'mounts-of-node'
  /** And the node what they mount. */
  | 'mount-propagation'

export interface Capabilities {
  readonly features: ReadonlySet<Feature>
  /** Whether containers can run as these ids. In a user namespace with a single user they cannot. */
  canBecome(id: number): boolean
  /** Whether they can have groups of their own choice besides. */
  readonly canSetGroups: boolean
}

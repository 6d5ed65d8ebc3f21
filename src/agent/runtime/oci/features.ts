/** What containers of images can have on a node like this. Pure. */
import type { Feature } from '../capabilities.ts'
import type { NodeFacts } from './node-facts.ts'

export const featuresOf = ({
  isUserNamespace,
  hasSELinux,
}: Pick<NodeFacts, 'isUserNamespace' | 'hasSELinux'>): ReadonlySet<Feature> =>
  new Set<Feature>([
    ...([
      'images',
      'read-only-root',
      'seccomp',
      'unmasked-proc',
      'sysctls',
      'host-pid',
      'host-ipc',
      'own-pids',
      'joined-pids',
      'mounts-of-node',
    ] as const),
    ...(isUserNamespace ? [] : (['devices'] as const)),
    ...(hasSELinux ? [] : (['selinux'] as const)),
  ])

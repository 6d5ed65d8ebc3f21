import type { ResourceDefinition } from '../definition.ts'
import { clusterRoleBinding, roleBinding } from './binding.ts'
import { clusterRole, role } from './role.ts'

/** The kinds of this group. A new one is a file beside this, a line here, and the forms of its texts in formats.ts. */
export const rbacKinds: readonly ResourceDefinition[] = [clusterRoleBinding, clusterRole, roleBinding, role]

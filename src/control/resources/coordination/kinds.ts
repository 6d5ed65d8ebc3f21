import type { ResourceDefinition } from '../definition.ts'
import { lease } from './lease.ts'

/** The kinds of this group. A new one is a file beside this, a line here, and the forms of its texts in formats.ts. */
export const coordinationKinds: readonly ResourceDefinition[] = [lease]

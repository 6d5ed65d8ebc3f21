import type { ResourceDefinition } from '../definition.ts'
import { runtimeClass } from './runtime-class.ts'

/** The kinds of this group. A new one is a file beside this, a line here, and the forms of its texts in formats.ts. */
export const nodeKinds: readonly ResourceDefinition[] = [runtimeClass]

import type { ResourceDefinition } from '../definition.ts'
import { customResourceDefinition } from './custom-resource-definition.ts'

/** The kinds of this group. A new one is a file beside this, a line here, and the forms of its texts in formats.ts. */
export const apiextensionsKinds: readonly ResourceDefinition[] = [customResourceDefinition]

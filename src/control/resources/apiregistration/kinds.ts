import type { ResourceDefinition } from '../definition.ts'
import { apiService } from './api-service.ts'

/** The kinds of this group. A new one is a file beside this, a line here, and the forms of its texts in formats.ts. */
export const apiregistrationKinds: readonly ResourceDefinition[] = [apiService]

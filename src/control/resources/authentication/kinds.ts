import type { ResourceDefinition } from '../definition.ts'
import { selfSubjectReview } from './self-subject-review.ts'
import { tokenReview } from './token-review.ts'

/** The kinds of this group. A new one is a file beside this, a line here, and the forms of its texts in formats.ts. */
export const authenticationKinds: readonly ResourceDefinition[] = [selfSubjectReview, tokenReview]

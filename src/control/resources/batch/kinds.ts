import type { ResourceDefinition } from '../definition.ts'
import { cronJob } from './cron-job.ts'
import { job } from './job.ts'

/** The kinds of this group. A new one is a file beside this, a line here, and the forms of its texts in formats.ts. */
export const batchKinds: readonly ResourceDefinition[] = [cronJob, job]

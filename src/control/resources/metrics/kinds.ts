import type { ResourceDefinition } from '../definition.ts'
import { nodeMetrics } from './node-metrics.ts'
import { podMetrics } from './pod-metrics.ts'

/** The kinds of this group. A new one is a file beside this, a line here, and the forms of its texts in formats.ts. */
export const metricsKinds: readonly ResourceDefinition[] = [nodeMetrics, podMetrics]

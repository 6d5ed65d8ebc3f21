import type { ResourceDefinition } from '../definition.ts'
import { horizontalPodAutoscaler } from './horizontal-pod-autoscaler.ts'

/** The kinds of this group. A new one is a file beside this, a line here, and the forms of its texts in formats.ts. */
export const autoscalingKinds: readonly ResourceDefinition[] = [horizontalPodAutoscaler]

/**
 * The seams of what happens once a pod has its node: it is counted there already, reservations are made, permits are waited for,
 * what the pod needs is prepared, and then it is bound. Whatever goes wrong on the way, the reservations are given back.
 */
import type { Node, Pod } from '../../../api/types/index.ts'

export interface Reserve {
  /** Takes for the pod what nobody else may have meanwhile. Throws when it is gone. */
  reserve(pod: Pod, node: Node): void
  /** The pod does not go there. */
  release(pod: Pod): void
}

/** Why a pod may not go where it was to; undefined: it may. */
export type Answer = string | undefined

export interface Permit {
  /** A pod that has no answer after so long does not go. */
  readonly timeoutMs: number
  /** `signal` aborts when the answer matters no longer. Undefined at once: there is nothing to wait for. */
  permit(pod: Pod, node: Node, signal: AbortSignal): Promise<Answer> | Answer
}

/** Brings about what the pod needs on its node, and waits for it. Rejects when it will not be there. */
export type PreBind = (pod: Pod, node: Node, signal: AbortSignal) => Promise<void> | undefined

/** Whether it has bound the pod; what it leaves is the next one's. */
export type Bind = (pod: Pod, node: Node, signal: AbortSignal) => Promise<boolean>

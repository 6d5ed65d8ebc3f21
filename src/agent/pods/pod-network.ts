/** How pods get onto the network: the one thing about it that whoever runs pods has to know. */
import type { StringMap } from '../../api/types/index.ts'

/** A pod that wants to be reached. */
export interface PodToAttach {
  /** Its uid. */
  readonly id: string
  readonly namespace: string
  readonly name: string
  /** A process in its network namespace. */
  readonly pid: number
  /** Of the pod: some ask something of the network. */
  readonly annotations?: StringMap
}

export interface PodNetwork {
  /** Gives the pod's network namespace an interface; its addresses. The same pod again: the same answer. */
  attach(pod: PodToAttach): Promise<readonly string[]>
  /** Takes interface and addresses back. A pod that has none: nothing happens. */
  detach(id: string): Promise<void>
  /**
   * Once at the start: these pods are running, what belongs to any other is freed. The answer are those who cannot have their
   * addresses any longer, such as those of a range that the node had before: they have to start anew.
   */
  retain(ids: readonly string[]): Promise<readonly string[]>
  /** Missing where nobody looks. */
  readonly troubles?: NetworkTroubles
}

/** Pods whose network is damaged and cannot be put back. */
export interface NetworkTroubles {
  /** What is wrong with the pod's; undefined when nothing is. */
  of(id: string): string | undefined
  /** Calls `listener` with the pod's id whenever the answer for it has changed. */
  onChange(listener: (id: string) => void): void
}

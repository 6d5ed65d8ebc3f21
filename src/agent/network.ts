/** How pods get onto the network: the one thing about it that whoever runs pods has to know. */

export interface PodNetwork {
  /** Gives the network namespace of `pid` an interface; its addresses. The same pod again: the same answer. */
  attach(pod: { readonly id: string; readonly pid: number }): Promise<readonly string[]>
  /** Takes interface and addresses back. A pod that has none: nothing happens. */
  detach(id: string): Promise<void>
  /** Once at the start: these pods are running, what belongs to any other is freed. */
  retain(ids: readonly string[]): Promise<void>
}

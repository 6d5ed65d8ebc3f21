/** What Service rules ask of relays: processes' ports that stand in for a set of endpoints. */

/** How connections are spread over endpoints. */
export type Balancing = 'round-robin' | 'random'

/** A set of endpoints that connections shall be relayed to. */
export interface Portal {
  /** The same for the same set, over all changes of it. */
  readonly id: string
  readonly protocol: 'tcp' | 'udp'
  readonly endpoints: readonly { readonly address: string; readonly port: number }[]
  readonly balancing: Balancing
  readonly affinitySeconds: number | undefined
}

export interface Relays {
  /**
   * The portals that a Service has now, in place of those it had. Returns, by portal, the port of this node that leads
   * there; one whose port is still being opened is missing, and the Service is named to `onOpen` when it is there.
   */
  place(service: string, portals: readonly Portal[]): ReadonlyMap<string, number>
  /** Rules are as was placed last: ports that are no longer used may be closed. */
  written(): void
}

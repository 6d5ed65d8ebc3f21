/** A tunnel to every server of the API: whichever of them is asked for a log or a shell has a way here. */
import { type Clock, sleep, systemClock } from '../../api/clock.ts'
import { apiServerName } from '../../api/connections.ts'
import type { Connection } from '../../api/kubeconfig.ts'
import type { Tunnel, TunnelOptions } from './tunnel.ts'

export interface TunnelsOptions {
  readonly create: (connection: TunnelOptions['connection']) => Tunnel
  readonly connection: () => Promise<Connection>
  /** The servers that there are, beside that of `connection`. */
  readonly others: () => Promise<readonly string[]>
  readonly clock?: Clock
}

/** How often to look whether servers have come or gone. */
const lookMs = 15_000

/** Runs until `signal` aborts. Whoever is only named as a server must prove to be one. */
export const runTunnels = async (options: TunnelsOptions, signal: AbortSignal): Promise<void> => {
  const { create, connection, others, clock = systemClock } = options
  const running = new Map<string, { readonly stop: AbortController; readonly ended: Promise<void> }>()

  const start = (server: string): void => {
    const stop = new AbortController()
    const tunnel = create(async () => ({ serverName: apiServerName, ...(await connection()), server }))
    running.set(server, { stop, ended: tunnel.run(AbortSignal.any([signal, stop.signal])) })
  }

  const own = create(connection).run(signal)
  while (!signal.aborted) {
    const main = await connection().then(
      ({ server }) => server,
      () => '',
    )
    const wanted = new Set((await others()).filter((server) => server !== main))
    for (const [server, { stop }] of running)
      if (!wanted.has(server)) {
        stop.abort()
        running.delete(server)
      }
    for (const server of wanted) if (!running.has(server)) start(server)
    await sleep(lookMs, signal, clock)
  }
  await Promise.all([own, ...[...running.values()].map(({ ended }) => ended)])
}

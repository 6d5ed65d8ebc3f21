/** Connections that outlive what they were made to: those of pods' addresses and host ports are forgotten with them. */
import { isLoopback } from '../api/host-ports.ts'
import { type CommandRunner, isCommandMissing } from '../host/command.ts'
import { createConnections } from '../host/conntrack/connections.ts'
import type { Logger } from '../host/log.ts'
import type { IpFamily } from '../ip/address.ts'
import type { HostPort, HostPorts } from '../overlay/host-ports.ts'
import { place, type UdpPort } from '../proxy/conntrack/stale.ts'
import { createUdpCleaner } from '../proxy/conntrack/udp-cleaner.ts'

export interface PodConnectionsOptions {
  readonly families: readonly IpFamily[]
  readonly runner: CommandRunner
  /** This node's own addresses, now. */
  readonly ownAddresses: () => ReadonlySet<string>
  readonly log: Logger
}

export interface PodConnections {
  /** Of all protocols. Never rejects: what cannot be forgotten ends by itself, and is told. */
  forgetAddresses(addresses: readonly string[]): Promise<void>
  /** The host ports that a pod has now, when their rules are in place. UDP clients of other times start anew. */
  setHostPorts(podId: string, ports: HostPorts['ports']): void
  /** Runs until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>
}

const udpPortOf = ({ hostIP, hostPort, podIP, containerPort }: HostPort): UdpPort => ({
  addresses: hostIP === undefined ? [] : [hostIP.text],
  port: hostPort,
  nodePort: hostIP === undefined ? hostPort : undefined,
  endpoints: new Set([place(podIP.text, containerPort)]),
})

export const createPodConnections = (options: PodConnectionsOptions): PodConnections => {
  const { families, runner, ownAddresses, log } = options
  let isMissing = false
  const perFamily = families.map((family) => {
    const connections = createConnections(runner, family)
    const cleaner = createUdpCleaner({
      ...{ connections, log, isServiceAddress: () => false },
      ownAddresses: () => new Set([...ownAddresses()].filter((address) => !isLoopback(address))),
    })
    return { family, connections, cleaner }
  })

  return {
    forgetAddresses: async (addresses) => {
      for (const address of addresses)
        for (const { connections } of perFamily)
          try {
            const count = await connections.forgetAddress(address)
            if (count > 0) log.debug({ address, count }, 'deleted conntrack entries of a pod that is gone')
          } catch (error) {
            const isFirst = !isMissing
            isMissing ||= isCommandMissing(error)
            if (isFirst || !isMissing)
              log.warn(
                { err: error, address },
                'cannot delete conntrack entries of a pod that is gone: install conntrack',
              )
          }
    },
    setHostPorts: (podId, ports) => {
      for (const { family, cleaner } of perFamily) {
        cleaner.set(podId, ports[family].filter(({ protocol }) => protocol === 'udp').map(udpPortOf))
        cleaner.written()
      }
    },
    run: async (signal) => {
      await Promise.all(perFamily.map(({ cleaner }) => cleaner.run(signal)))
    },
  }
}

/** The kernel's table of connections, by the program `conntrack`. */
import { CommandError, type CommandRunner } from '../../host/command.ts'
import type { IpFamily } from '../../host/netfilter/netfilter.ts'
import { type Flow, parseFlows } from './flows.ts'

export interface Connections {
  /** All UDP flows of the family. */
  list(): Promise<readonly Flow[]>
  /** Forgets all flows that were translated as these are; resolves to how many there were. */
  forget(flows: readonly Flow[]): Promise<number>
}

/** Flows that one call forgets together. */
const selection = ({ original, reply }: Flow): readonly string[] => [
  ...['--orig-dst', original.destination, '--orig-port-dst', String(original.destinationPort)],
  ...['--reply-src', reply.source, '--reply-port-src', String(reply.sourcePort)],
]

export const createConnections = (runner: CommandRunner, family: IpFamily): Connections => {
  const words = ['-f', family === 'IPv4' ? 'ipv4' : 'ipv6', '-p', 'udp']
  return {
    list: async () => parseFlows(await runner.run('conntrack', ['-L', ...words])),
    forget: async (flows) => {
      const selections = new Map(flows.map((flow) => [selection(flow).join(' '), selection(flow)]))
      let count = 0
      for (const chosen of selections.values()) {
        try {
          const deleted = await runner.run('conntrack', ['-D', ...words, ...chosen])
          count += parseFlows(deleted).length
        } catch (error) {
          // It says so with exit code 1 when they have ended meanwhile.
          if (!(error instanceof CommandError && /\b0 flow entries/.test(error.stderr))) throw error
        }
      }
      return count
    },
  }
}

/** The kernel's table of connections, by the program `conntrack`. */
import { canonicalAddress, type IpFamily } from '../../ip/address.ts'
import type { CommandRunner } from '../command.ts'
import { deleteEntries, familyWords } from './delete.ts'
import { type Flow, parseFlows } from './flows.ts'

/** Rejects with `CommandError` where the program is missing (`isCommandMissing`), or the kernel refuses. */
export interface Connections {
  /** All UDP flows of the family. */
  list(): Promise<readonly Flow[]>
  /** Forgets all UDP flows that were translated as these are; resolves to how many there were. */
  forget(flows: readonly Flow[]): Promise<number>
  /** Forgets all connections, of every protocol, that this address has or is the end of; resolves to how many. */
  forgetAddress(address: string): Promise<number>
}

/** Flows that one call forgets together. */
const selection = ({ original, reply }: Flow): readonly string[] => [
  ...['--orig-dst', original.destination, '--orig-port-dst', String(original.destinationPort)],
  ...['--reply-src', reply.source, '--reply-port-src', String(reply.sourcePort)],
]

/** Sent by it, sent to it, and sent to it by translation. */
const ends = ['--orig-src', '--orig-dst', '--reply-src'] as const

export const createConnections = (runner: CommandRunner, family: IpFamily): Connections => {
  const ofFamily = familyWords(family)
  const udp = [...ofFamily, '-p', 'udp']

  const remove = (args: readonly string[]): Promise<number> => deleteEntries(runner, args)

  return {
    list: async () => parseFlows(await runner.run('conntrack', ['-L', ...udp])),
    forget: async (flows) => {
      const selections = new Map(flows.map((flow) => [selection(flow).join(' '), selection(flow)]))
      let count = 0
      for (const chosen of selections.values()) count += await remove([...udp, ...chosen])
      return count
    },
    forgetAddress: async (text) => {
      const address = canonicalAddress(text, family)
      if (address === undefined) return 0
      let count = 0
      for (const end of ends) count += await remove([...ofFamily, end, address])
      return count
    },
  }
}

/** The kernel's connections as the program `conntrack` prints them. Pure. */
import { isAddress } from '../../ip/address.ts'

/** One direction: from, to. */
export interface Tuple {
  readonly source: string
  readonly sourcePort: number
  readonly destination: string
  readonly destinationPort: number
}

/** A connection: what the client sent, and what an answer looks like. They mirror each other where nothing is translated. */
export interface Flow {
  readonly original: Tuple
  readonly reply: Tuple
}

const field = /\b(src|dst|sport|dport)=(\S+)/g

const tupleOf = (words: ReadonlyMap<string, string>): Tuple | undefined => {
  const [source, destination] = [words.get('src'), words.get('dst')]
  const [sourcePort, destinationPort] = [Number(words.get('sport')), Number(words.get('dport'))]
  if (!source || !destination || !isAddress(source) || !isAddress(destination)) return undefined
  if (!Number.isInteger(sourcePort) || !Number.isInteger(destinationPort)) return undefined
  return { source, sourcePort, destination, destinationPort }
}

/** One line of `conntrack -L`; undefined for anything but a connection with ports. */
export const parseFlow = (line: string): Flow | undefined => {
  const found = [...line.matchAll(field)].map(([, name = '', value = '']) => [name, value] as const)
  const [original, reply] = [tupleOf(new Map(found.slice(0, 4))), tupleOf(new Map(found.slice(4, 8)))]
  return original && reply ? { original, reply } : undefined
}

export const parseFlows = (text: string): readonly Flow[] => text.split('\n').flatMap((line) => parseFlow(line) ?? [])

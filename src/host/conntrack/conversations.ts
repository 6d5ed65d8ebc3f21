/**
 * Who talks to whom in the kernel's table of connections: all that a rule about addresses and destination ports can tell
 * apart, so that what is said of one is true of every connection in it, also of one that has just come.
 */

import { type IpFamily, isAddress } from '../../ip/address.ts'
import type { CommandRunner } from '../command.ts'
import { isPort } from '../netfilter/rule.ts'
import { deleteEntries, familyWords } from './delete.ts'

/** Connections of one protocol from one address to one port, or, for protocols without ports, to one address. */
export interface Conversation {
  /** As `conntrack -p` takes it: `tcp`, `icmpv6`; a number where it knows no name. */
  readonly protocol: string
  /** Who began it, before translation. */
  readonly source: string
  /** Who answers: the destination after translation. */
  readonly destination: string
  /** Of TCP, UDP and SCTP only. */
  readonly port: number | undefined
}

/** Rejects with `CommandError` where the program is missing (`isCommandMissing`), or the kernel refuses. */
export interface Conversations {
  /** Each once. */
  list(): Promise<readonly Conversation[]>
  /**
   * Forgets all connections of it, and no other; resolves to how many there were. Of UDP and SCTP also what an answer has
   * begun meanwhile: to the kernel it was the first packet of a connection the other way.
   */
  forget(conversation: Conversation): Promise<number>
}

const begunByAnswers: ReadonlySet<string> = new Set(['udp', 'sctp'])
/** Answers may come again and again; one who never stops to send has begun a connection of its own. */
const mostAnswers = 5

const withPorts: ReadonlySet<string> = new Set(['tcp', 'udp', 'sctp'])

/** `tcp  6 431999 ESTABLISHED src=… dst=… sport=… dport=… src=… dst=… sport=… dport=… …`: what was sent, what is answered. */
const linePattern = /^(\S+)\s+(\d+)\s.*?\bsrc=(\S+) .*?\bsrc=(\S+) (.*)$/

/** One line of `conntrack -L`; undefined for anything else. */
export const parseConversation = (line: string): Conversation | undefined => {
  const [, name = '', number = '', source = '', destination = '', reply = ''] = linePattern.exec(line) ?? []
  if (!isAddress(source) || !isAddress(destination)) return undefined
  const protocol = name === 'unknown' ? number : name
  if (!withPorts.has(protocol)) return { protocol, source, destination, port: undefined }
  const port = Number(/\bsport=(\d+)/.exec(reply)?.[1])
  return isPort(port) ? { protocol, source, destination, port } : undefined
}

export const parseConversations = (text: string): readonly Conversation[] => {
  const found = new Map<string, Conversation>()
  for (const line of text.split('\n')) {
    const one = parseConversation(line)
    if (one) found.set(`${one.protocol} ${one.source} ${one.destination} ${one.port}`, one)
  }
  return [...found.values()]
}

export const createConversations = (runner: CommandRunner, family: IpFamily): Conversations => {
  const ofFamily = familyWords(family)

  const forgetAnswers = async ({ protocol, source, destination, port }: Conversation): Promise<void> => {
    const begun = ['-p', protocol, '--orig-src', destination, '--orig-port-src', String(port), '--reply-src', source]
    for (let tries = 0; tries < mostAnswers; tries++)
      if ((await deleteEntries(runner, [...ofFamily, ...begun])) === 0) return
  }

  return {
    list: async () => parseConversations(await runner.run('conntrack', ['-L', ...ofFamily])),
    forget: async (conversation) => {
      const { protocol, source, destination, port } = conversation
      const toPort = port === undefined ? [] : ['--reply-port-src', String(port)]
      const meant = ['-p', protocol, '--orig-src', source, '--reply-src', destination, ...toPort]
      const count = await deleteEntries(runner, [...ofFamily, ...meant])
      if (count > 0 && begunByAnswers.has(protocol)) await forgetAnswers(conversation)
      return count
    },
  }
}

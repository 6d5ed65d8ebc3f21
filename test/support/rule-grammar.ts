/** Whether the text of rules says only what rules of ours can say: the check of what hostile objects were made into. */
import { isIP } from 'node:net'
import { longestComment } from '../../src/host/netfilter/rule.ts'
import { ruleWords } from '../../src/host/netfilter/tables.ts'

const isHost = (text: string): boolean => {
  const [address = '', bits = '0', ...more] = text.split('/')
  return isIP(address) > 0 && /^\d{1,3}$/.test(bits) && more.length === 0
}
const isPlace = (text: string): boolean => {
  const [, address = '', port = ''] = /^\[?(.+?)\]?:(\d+)$/.exec(text) ?? []
  return isIP(address) > 0 && Number(port) > 0 && Number(port) < 65_536
}
const matching = (pattern: RegExp) => (text: string) => pattern.test(text)
const one =
  (...words: readonly string[]) =>
  (text: string) =>
    words.includes(text)

const values: Readonly<Record<string, (value: string) => boolean>> = {
  '-s': isHost,
  '-d': isHost,
  '-i': one('podway0'),
  '-o': one('podway.1', 'podway-wg'),
  '-p': one('tcp', 'udp', 'sctp', 'ipv6-icmp'),
  '-m': one('tcp', 'udp', 'sctp', 'comment', 'conntrack', 'addrtype', 'mark', 'statistic', 'recent', 'icmp6'),
  '--dport': matching(/^\d{1,5}(:\d{1,5})?$/),
  '--comment': (text) => matching(/^[ -~]+$/)(text) && text.length <= longestComment,
  '--ctstate': one('NEW', 'DNAT', 'INVALID', 'RELATED,ESTABLISHED', 'RELATED,ESTABLISHED,DNAT'),
  '--src-type': one('LOCAL'),
  '--dst-type': one('LOCAL'),
  '--mark': matching(/^0x[0-9a-f]+\/0x[0-9a-f]+$/),
  '--set-xmark': matching(/^0x[0-9a-f]+\/0x[0-9a-f]+$/),
  '--mode': one('nth', 'random'),
  '--every': matching(/^\d+$/),
  '--packet': one('0'),
  '--probability': matching(/^0\.\d{11}$/),
  '--seconds': matching(/^\d+$/),
  '--name': matching(/^PODWAY-SEP-[0-9A-F]{16}$/),
  '--mask': isHost,
  '--tcp-flags': one('SYN,RST', 'FIN,SYN,RST,ACK'),
  SYN: () => false,
  '--icmpv6-type': matching(/^\d+$/),
  '-j': matching(/^(PODWAY-[A-Za-z0-9.:/-]+|ACCEPT|RETURN|DROP|REJECT|DNAT|MASQUERADE|MARK|REDIRECT|TCPMSS)$/),
  '-g': matching(/^PODWAY-NP[A-Z-]+[0-9A-F]+$/),
  '--to-destination': isPlace,
  '--to-ports': matching(/^\d+$/),
  '--reject-with': one('tcp-reset', 'icmp-port-unreachable', 'icmp6-port-unreachable'),
}
const bare = new Set(['!', '--set', '--rcheck', '--reap', '--rsource', '--random-fully', '--clamp-mss-to-pmtu'])

/** The first word of the rule that none of ours has; undefined when all are as they should be. */
export const strangeWord = (rule: string): string | undefined => {
  const words = ruleWords(rule)
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (bare.has(word)) continue
    const value = words[++at] ?? ''
    const isValue = Object.hasOwn(values, word) ? values[word] : undefined
    if (!isValue?.(value)) return `${word} ${value}`
    if (word === '--tcp-flags') at++
  }
  return undefined
}

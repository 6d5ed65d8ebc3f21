/**
 * Rules that say what their source code says, and nothing else: literal words, and typed values that are each one argument.
 * A text that came from elsewhere cannot become a part of one (tsc refuses it); what makes arguments refuses, with a
 * `RuleError`, whatever iptables-restore would take for more than one argument, or for an option.
 */

declare const argumentBrand: unique symbol
declare const chainBrand: unique symbol
declare const ruleBrand: unique symbol
declare const savedBrand: unique symbol

/** One argument, written as iptables-save writes it. */
export type Argument = string & { readonly [argumentBrand]: true }

export type ChainName = Argument & { readonly [chainBrand]: true }

/** A rule or a part of one (possibly empty), in iptables-save's words: `-d 10.0.0.1/32 -p tcp -j ACCEPT`. */
export type Rule = string & { readonly [ruleBrand]: true }

/** A rule that iptables-save printed, ours or somebody else's: it can be compared, and deleted from where it is. */
export type SavedRule = string & { readonly [savedBrand]: true }

/** What cannot be said in a rule. */
export class RuleError extends RangeError {
  override readonly name = 'RuleError'
}

export const isRuleError = (error: unknown): error is RuleError => error instanceof RuleError

/** As much of a text as a message needs. */
const shown = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)

/** Neither blanks nor quotes nor anything that means something to iptables-restore; and no option. */
const oneWord = /^[A-Za-z0-9_.:/[][A-Za-z0-9_.:,/[\]+-]{0,127}$/

const isArgument = (text: string): text is Argument => oneWord.test(text)

/** One argument that needs no quotes. Throws a RuleError for anything else. */
export const argument = (text: string): Argument => {
  if (!isArgument(text)) throw new RuleError(`${shown(text)} is not one argument of a rule`)
  return text
}

const chainPattern = /^[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,27}$/

const isChainName = (text: string): text is ChainName => chainPattern.test(text)

/** At most 28 characters. Throws a RuleError. */
export const chainName = (text: string): ChainName => {
  if (!isChainName(text)) throw new RuleError(`${shown(text)} is not the name of a chain`)
  return text
}

/** A number from `least` to `most`. Throws a RuleError for anything else, whatever its type claims to be. */
export const count = (value: number, least = 0, most = 0xffff_ffff): Argument => {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new RuleError(`${shown(String(value))} is no number from ${least} to ${most}`)
  return argument(`${value}`)
}

const lastPort = 65_535

/** Whether it is the number of a port that a connection can go to. */
export const isPort = (value: unknown): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= lastPort

/** `80`, or `80:90`. */
export const ports = (first: number, last = first): Argument =>
  first === last
    ? count(first, 0, lastPort)
    : argument(`${count(first, 0, lastPort)}:${count(last, first + 1, lastPort)}`)

const hex = (value: number): string => `0x${value.toString(16)}`

/** A mark with its mask: `0x4000/0x4000`. */
export const mark = (value: number, mask = value): Argument => argument(`${hex(value)}/${hex(mask)}`)

export type RuleProtocol = 'tcp' | 'udp' | 'sctp'
const protocolWords: Readonly<Record<RuleProtocol, Argument>> = {
  tcp: argument('tcp'),
  udp: argument('udp'),
  sctp: argument('sctp'),
}

/** Throws a RuleError for a protocol that is none of the three. */
export const protocolWord = (protocol: RuleProtocol): Argument => {
  if (!Object.hasOwn(protocolWords, protocol)) throw new RuleError(`${shown(String(protocol))} is not a protocol`)
  return protocolWords[protocol]
}

/** A rule, or a part of one. A part that is empty leaves no blank behind. */
export const rule = (literals: TemplateStringsArray, ...values: readonly (Argument | Rule)[]): Rule => {
  let text = literals[0] ?? ''
  let hasGap = false
  for (let at = 0; at < values.length; at++) {
    const value = values[at] ?? ''
    const literal = literals[at + 1] ?? ''
    if (value === '') hasGap = true
    text += value === '' ? literal.trimStart() : value + literal
  }
  return (hasGap ? text.trim() : text) as Rule
}

/** No condition at all. */
export const always = rule``

const plainComment = /^[\w-]+$/
const printable = /^[ -~]{1,255}$/

/** The most bytes of a comment. */
export const longestComment = 255

/** Whether a text can be a comment. */
export const isComment = (text: string): boolean => printable.test(text)

/** `-m comment --comment "…"`, in quotes where iptables-save writes them. Throws a RuleError for what is no comment. */
export const comment = (text: string): Rule => {
  if (!isComment(text))
    throw new RuleError(`${shown(text)} cannot be a comment: 1 to ${longestComment} printable ASCII characters can`)
  const quoted = plainComment.test(text) ? text : `"${text.replace(/["'\\]/g, '\\$&')}"`
  return `-m comment --comment ${quoted}` as Rule
}

/** A TCP packet that does not ask for a connection: what iptables prints for `! --syn`. */
export const tcpNotSyn = rule`-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN`

/** `-p tcp -m tcp --dport 80:90`: a protocol's destination ports. */
export const toPorts = (protocol: RuleProtocol, first: number, last = first): Rule => {
  const word = protocolWord(protocol)
  return rule`-p ${word} -m ${word} --dport ${ports(first, last)}`
}

/**
 * Follows the first packet of a connection through rules as data: where it lands, and as whom. Nothing is sent and no
 * kernel asked, so it serves tests of rules that were never loaded, and explains a loaded network to its owner.
 */
import { isForHost, meets, type PacketView, type ParsedRule, parseRule, type TraceHost } from './conditions.ts'
import type { SavedChain, TableName } from './tables.ts'

export type { TraceHost } from './conditions.ts'

/** Tables as `parseSave` gives them; one that is missing has no rules. */
export type TracedTables = Readonly<Partial<Record<TableName, ReadonlyMap<string, SavedChain>>>>

export interface TracedPacket {
  readonly from: string
  readonly to: string
  readonly port: number
  readonly protocol?: 'tcp' | 'udp' | 'sctp'
  readonly sourcePort?: number
  /** `process`: sent by a process of this machine; `link` (default): it came in by a link, from a pod or from outside. */
  readonly origin?: 'link' | 'process'
}

/** One end a packet can come to. */
export interface Landing {
  readonly verdict: 'accept' | 'drop' | 'reject'
  /** The destination after translation. */
  readonly to: string
  readonly port: number
  /** Whether the destination sees an address of this machine instead of the sender's. */
  readonly masqueraded: boolean
  /** The most rules that were looked at on the way here. */
  readonly rules: number
  /** The chains on that longest way, as `nat PREROUTING`. */
  readonly chains: readonly string[]
}

interface Flow extends PacketView {
  readonly masqueraded: boolean
  readonly rules: number
  readonly chains: readonly string[]
}

/** `next`: to the rule below; `return`: out of this chain; `accept`: out of this table, and on. */
interface Step {
  readonly flow: Flow
  readonly verdict: 'next' | 'return' | 'accept' | 'drop' | 'reject'
}

/** As deep as the nft store lets jumps go. */
const deepestJump = 16

const translate = (flow: Flow, destination: string): Flow => {
  const found = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(destination)
  const to = found?.[1] ?? found?.[2]
  if (to === undefined) throw new Error(`cannot trace the destination ${destination}`)
  return { ...flow, to, port: Number(found?.[3] ?? flow.port), translated: true }
}

const setMark = (flow: Flow, xmark: string): Flow => {
  const [value = '', mask = '0xffffffff'] = xmark.split('/')
  return { ...flow, mark: ((flow.mark & ~Number(mask)) ^ Number(value)) >>> 0 }
}

/** What a target that is not a chain does to the packet. */
const perform = (rule: ParsedRule, flow: Flow, host: TraceHost): Step => {
  const [option, value = ''] = rule.options
  if (rule.target === undefined) return { flow, verdict: 'next' }
  if (rule.target === 'RETURN') return { flow, verdict: 'return' }
  if (rule.target === 'ACCEPT') return { flow, verdict: 'accept' }
  if (rule.target === 'DROP') return { flow, verdict: 'drop' }
  if (rule.target === 'REJECT') return { flow, verdict: 'reject' }
  if (rule.target === 'MASQUERADE') return { flow: { ...flow, masqueraded: true }, verdict: 'accept' }
  if (rule.target === 'DNAT' && option === '--to-destination')
    return { flow: translate(flow, value), verdict: 'accept' }
  // To the machine itself: to an address of the link that the packet came by, or to loopback.
  if (rule.target === 'REDIRECT' && option === '--to-ports')
    return { flow: { ...flow, to: host.addresses[0] ?? '', port: Number(value), translated: true }, verdict: 'accept' }
  if (rule.target === 'MARK' && option === '--set-xmark') return { flow: setMark(flow, value), verdict: 'next' }
  throw new Error(`cannot trace the target of: ${rule.text}`)
}

interface Traced {
  readonly table: TableName
  readonly chains: ReadonlyMap<string, SavedChain>
  readonly host: TraceHost
}

const follow = (traced: Traced, rule: ParsedRule, flow: Flow, depth: number): readonly Step[] => {
  if (rule.target === undefined || !traced.chains.has(rule.target)) return [perform(rule, flow, traced.host)]
  const back = rule.leaves ? 'return' : 'next'
  return walkChain(traced, rule.target, flow, depth + 1).map((step) =>
    step.verdict === 'return' ? { ...step, verdict: back } : step,
  )
}

/** Every way through one chain: where a counter or a memory decides, the packet takes both. */
const walkChain = (traced: Traced, name: string, start: Flow, depth = 0): readonly Step[] => {
  const chain = traced.chains.get(name)
  if (!chain) throw new Error(`table ${traced.table} has no chain ${name}`)
  if (depth > deepestJump) throw new Error(`jumps are deeper than ${deepestJump} at ${name}`)
  const ends: Step[] = []
  let flows: readonly Flow[] = [{ ...start, chains: [...start.chains, `${traced.table} ${name}`] }]
  for (const text of chain.rules) {
    const rule = parseRule(text)
    const steps = flows.flatMap((before): readonly Step[] => {
      const flow = { ...before, rules: before.rules + 1 }
      const answer = meets(rule, flow, traced.host)
      const taken = answer === false ? [] : follow(traced, rule, flow, depth)
      return answer === true ? taken : [...taken, { flow, verdict: 'next' }]
    })
    ends.push(...steps.filter(({ verdict }) => verdict !== 'next'))
    flows = steps.filter(({ verdict }) => verdict === 'next').map(({ flow }) => flow)
  }
  const { policy } = chain
  const atEnd = policy === undefined ? 'return' : policy === 'DROP' ? 'drop' : 'accept'
  return [...ends, ...flows.map((flow): Step => ({ flow, verdict: atEnd }))]
}

type Hook = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING'

/** The tables of each hook, in the kernel's order. */
const tablesAt: Readonly<Record<Hook, readonly TableName[]>> = {
  PREROUTING: ['raw', 'mangle', 'nat'],
  INPUT: ['mangle', 'filter', 'nat'],
  FORWARD: ['mangle', 'filter'],
  OUTPUT: ['raw', 'mangle', 'nat', 'filter'],
  POSTROUTING: ['mangle', 'nat'],
}

const isOver = ({ verdict }: Step): boolean => verdict === 'drop' || verdict === 'reject'

const walkHook = (tables: TracedTables, host: TraceHost, hook: Hook, steps: readonly Step[]): readonly Step[] => {
  let current = steps
  for (const table of tablesAt[hook]) {
    const chains = tables[table]
    if (!chains?.has(hook)) continue
    current = current.flatMap((step) => (isOver(step) ? [step] : walkChain({ table, chains, host }, hook, step.flow)))
  }
  return current
}

/** The hooks after the destination is settled. */
const hooksAfter = (flow: Flow, host: TraceHost, origin: 'link' | 'process'): readonly Hook[] => {
  if (origin === 'process') return isForHost(flow, host) ? ['POSTROUTING', 'INPUT'] : ['POSTROUTING']
  return isForHost(flow, host) ? ['INPUT'] : ['FORWARD', 'POSTROUTING']
}

const land = ({ flow, verdict }: Step): Landing => ({
  verdict: verdict === 'drop' || verdict === 'reject' ? verdict : 'accept',
  to: flow.to,
  port: flow.port,
  masqueraded: flow.masqueraded,
  rules: flow.rules,
  chains: flow.chains,
})

const endOf = ({ verdict, to, port, masqueraded }: Landing): string => `${to} ${port} ${verdict} ${masqueraded}`

/**
 * All ends the packet can come to, sorted: more than one where a counter (`statistic`) or a memory (`recent`) decides.
 * Throws on a match or target it does not understand, rather than guess.
 */
export const tracePacket = (tables: TracedTables, packet: TracedPacket, host: TraceHost): readonly Landing[] => {
  const { origin = 'link', protocol = 'tcp', sourcePort = 40_000 } = packet
  const flow: Flow = {
    ...{ from: packet.from, to: packet.to, port: packet.port, protocol, sourcePort },
    ...{ mark: 0, translated: false, masqueraded: false, rules: 0, chains: [] },
  }
  const first = origin === 'process' ? 'OUTPUT' : 'PREROUTING'
  const ends = walkHook(tables, host, first, [{ flow, verdict: 'next' }]).flatMap((step) =>
    hooksAfter(step.flow, host, origin).reduce<readonly Step[]>(
      (steps, hook) => walkHook(tables, host, hook, steps),
      [step],
    ),
  )
  const longest = new Map<string, Landing>()
  for (const landing of ends.map(land)) {
    const known = longest.get(endOf(landing))
    if (!known || known.rules < landing.rules) longest.set(endOf(landing), landing)
  }
  return [...longest].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, landing]) => landing)
}

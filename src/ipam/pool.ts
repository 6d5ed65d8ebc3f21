import { addressBits, addressNumber, parseAddress } from '../ip/address.ts'
import { addressAt, type Cidr, cidrOf, cidrSize, contains, parseCidr, subnetAt, subnetCount } from '../ip/cidr.ts'
/**
 * Who holds which of a range of numbered slots: addresses, networks or ports. Knows owners, not what they are. Verbs come
 * in idempotent pairs, and a slot that was freed is not the next one given out.
 */

/** Somebody else holds what was asked for. */
export class AddressTaken extends Error {
  override readonly name = 'AddressTaken'
}

/** Nothing is left. */
export class PoolExhausted extends Error {
  override readonly name = 'PoolExhausted'
}

/** What was asked for is not the pool's to give. */
export class OutOfRange extends Error {
  override readonly name = 'OutOfRange'
}

export const isTaken = (error: unknown): error is AddressTaken => error instanceof AddressTaken
export const isExhausted = (error: unknown): error is PoolExhausted => error instanceof PoolExhausted
export const isOutOfRange = (error: unknown): error is OutOfRange => error instanceof OutOfRange

export interface Pool<T> {
  /**
   * What `owner` holds, or from now on holds: `wanted`, when given. Throws `AddressTaken` when somebody else has it (or
   * the owner has another), `OutOfRange` when it is not of this pool, `PoolExhausted` when nothing is left.
   */
  assign(owner: string, wanted?: T): T
  /** Frees what `owner` holds; nothing happens when that is nothing. */
  release(owner: string): void
  held(owner: string): T | undefined
  entries(): IterableIterator<readonly [owner: string, item: T]>
}

/** How slots look to the outside. */
interface Slots<T> {
  readonly count: number
  /** What an error calls the pool: `10.96.0.0/16`. */
  readonly name: string
  readonly format: (slot: number) => T
  /** Undefined when it is no slot of this pool. */
  readonly parse: (item: T) => number | undefined
  /** Never given out unasked, nor asked for. */
  readonly reserved?: ReadonlySet<number>
  /** The first so many are given out only when asked for, or when nothing else is left. */
  readonly staticBand?: number
}

const createPool = <T>({ count, name, format, parse, reserved = new Set(), staticBand = 0 }: Slots<T>): Pool<T> => {
  const slots = new Map<string, number>()
  const owners = new Map<number, string>()
  /** One cursor a band: where the search for a free slot goes on. */
  const cursors = { dynamic: staticBand, static: 0 }

  const isFree = (slot: number): boolean => !owners.has(slot) && !reserved.has(slot)

  /** The search goes on behind what was given out last. */
  const moveOn = (band: keyof typeof cursors, slot: number): void => {
    const [from, to] = band === 'dynamic' ? [staticBand, count] : [0, staticBand]
    cursors[band] = slot + 1 < to ? slot + 1 : from
  }

  /** The next free slot of a band, once around from its cursor. */
  const search = (band: keyof typeof cursors, from: number, to: number): number | undefined => {
    const size = to - from
    for (let step = 0; step < size; step++) {
      const slot = from + ((cursors[band] - from + step) % size)
      if (!isFree(slot)) continue
      moveOn(band, slot)
      return slot
    }
    return undefined
  }

  const take = (owner: string, slot: number): T => {
    slots.set(owner, slot)
    owners.set(slot, owner)
    return format(slot)
  }

  const assignWanted = (owner: string, wanted: T): T => {
    const slot = parse(wanted)
    if (slot === undefined || reserved.has(slot))
      throw new OutOfRange(`${String(wanted)} is not one that ${name} gives out`)
    const holder = owners.get(slot)
    if (holder !== undefined && holder !== owner) throw new AddressTaken(`${String(wanted)} is held by ${holder}`)
    const other = slots.get(owner)
    if (other !== undefined && other !== slot)
      throw new AddressTaken(`${owner} holds ${String(format(other))} already, it cannot have ${String(wanted)} too`)
    moveOn(slot < staticBand ? 'static' : 'dynamic', slot)
    return take(owner, slot)
  }

  const assignAny = (owner: string): T => {
    const known = slots.get(owner)
    if (known !== undefined) return format(known)
    const slot = search('dynamic', staticBand, count) ?? search('static', 0, staticBand)
    if (slot === undefined) throw new PoolExhausted(`${name} is full: all ${owners.size} are held`)
    return take(owner, slot)
  }

  return {
    assign: (owner, wanted) => (wanted === undefined ? assignAny(owner) : assignWanted(owner, wanted)),
    release: (owner) => {
      const slot = slots.get(owner)
      if (slot === undefined) return
      slots.delete(owner)
      owners.delete(slot)
    },
    held: (owner) => {
      const slot = slots.get(owner)
      return slot === undefined ? undefined : format(slot)
    },
    *entries() {
      for (const [owner, slot] of slots) yield [owner, format(slot)] as const
    },
  }
}

/** More addresses than anybody hands out; what lies behind is not used. */
const maxSlots = 2 ** 24

const sizeOf = (cidr: Cidr): number => {
  const size = cidrSize(cidr)
  return size > BigInt(maxSlots) ? maxSlots : Number(size)
}

const slotOf = (cidr: Cidr, text: string, count: number): number | undefined => {
  const address = parseAddress(text)
  if (!address || !contains(cidr, address)) return undefined
  const slot = addressNumber(address) - addressNumber(cidr)
  return slot < BigInt(count) ? Number(slot) : undefined
}

export interface AddressPoolOptions {
  readonly cidr: string
  /** Addresses that are never given out, beside the network's own and, for IPv4, its broadcast address. */
  readonly reserved?: readonly string[]
  /** How many of the first addresses are kept for those who ask for one. */
  readonly staticBand?: number
}

/** Single addresses out of a network, as text. Throws when the network cannot be read. */
export const createAddressPool = ({ cidr: text, reserved = [], staticBand = 0 }: AddressPoolOptions): Pool<string> => {
  const cidr = cidrOf(text)
  const count = sizeOf(cidr)
  const hasEdges = count > 2
  const edges = hasEdges ? [0, ...(cidr.family === 'IPv4' ? [count - 1] : [])] : []
  const kept = reserved.flatMap((address) => slotOf(cidr, address, count) ?? [])
  return createPool({
    name: text,
    count,
    staticBand,
    reserved: new Set([...edges, ...kept]),
    format: (slot) => addressAt(cidr, slot),
    parse: (address) => slotOf(cidr, address, count),
  })
}

/** How many addresses of a Service range are for those who ask: min(max(16, size / 16), 256) (KEP 3070). */
export const staticAddressBand = (cidr: string): number =>
  Math.min(Math.max(16, Math.floor(sizeOf(cidrOf(cidr)) / 16)), 256)

/** Parts of a network, all of one prefix length, as text: the pod networks of nodes. */
export const createSubnetPool = ({
  cidr: text,
  prefixLength,
}: {
  readonly cidr: string
  readonly prefixLength: number
}): Pool<string> => {
  const cidr = cidrOf(text)
  const count = Math.min(subnetCount(cidr, prefixLength), maxSlots)
  const shift = BigInt(addressBits(cidr.family) - prefixLength)
  return createPool({
    name: text,
    count,
    format: (slot) => subnetAt(cidr, prefixLength, slot).text,
    parse: (item) => {
      const part = parseCidr(item)
      if (!part || part.bits !== prefixLength || !contains(cidr, part)) return undefined
      const slot = (addressNumber(part) - addressNumber(cidr)) >> shift
      return slot < BigInt(count) ? Number(slot) : undefined
    },
  })
}

export interface PortPoolOptions {
  readonly from: number
  /** Inclusive. */
  readonly to: number
  readonly staticBand?: number
}

/** Port numbers from a range. */
export const createPortPool = ({ from, to, staticBand = 0 }: PortPoolOptions): Pool<number> =>
  createPool({
    name: `the range ${from}-${to}`,
    count: to - from + 1,
    staticBand,
    format: (slot) => from + slot,
    parse: (port) => (Number.isInteger(port) && port >= from && port <= to ? port - from : undefined),
  })

/** How many ports of a NodePort range are for those who ask: min(max(16, size / 32), 128) (KEP 3668). */
export const staticPortBand = ({ from, to }: { readonly from: number; readonly to: number }): number => {
  const size = to - from + 1
  return size < 17 ? 0 : Math.min(Math.max(16, Math.floor(size / 32)), 128)
}

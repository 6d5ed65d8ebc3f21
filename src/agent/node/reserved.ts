/** What a node keeps for itself, and what is left for pods. Pure. */
import { formatQuantity, parseQuantity, quantityMilli, quantityValue } from '../../api/quantity.ts'
import type { StringMap } from '../../api/types/index.ts'
import type { Signal } from '../pressure/signals.ts'
import { hardReservation, type Threshold } from '../pressure/thresholds.ts'

const reservable = ['cpu', 'memory', 'ephemeral-storage', 'pid'] as const
export type Reservable = (typeof reservable)[number]

/** Quantities, by what is reserved. */
export type Reservation = Readonly<Partial<Record<Reservable, string>>>

export class ReservationError extends Error {
  override readonly name = 'ReservationError'
}

const isReservable = (text: string): text is Reservable => reservable.some((each) => each === text)

/** `cpu=100m,memory=200Mi`, as the kubelet takes it. Throws `ReservationError`. */
export const parseReservation = (text: string): Reservation => {
  const found: Partial<Record<Reservable, string>> = {}
  for (const each of text.split(',').map((part) => part.trim())) {
    if (each === '') continue
    const [name = '', quantity = ''] = each.split('=', 2).map((part) => part.trim())
    const parsed = parseQuantity(quantity)
    if (!isReservable(name))
      throw new ReservationError(`cannot reserve ${JSON.stringify(name)}: expected ${reservable.join(', ')}`)
    if (parsed === undefined || parsed < 0n)
      throw new ReservationError(`${name}: expected a quantity, not ${JSON.stringify(quantity)}`)
    found[name] = quantity
  }
  return found
}

const evictedFor: Readonly<Record<string, Signal>> = {
  memory: 'memory.available',
  'ephemeral-storage': 'nodefs.available',
}

/** What pods may ask for of a capacity: without the reserved parts, and what must stay free lest pods be evicted. */
export const allocatableOf = (
  capacity: StringMap,
  reservations: readonly Reservation[],
  thresholds: readonly Threshold[],
): StringMap =>
  Object.fromEntries(
    Object.entries(capacity).map(([name, whole]) => {
      const reserved = reservations.flatMap((each) => (isReservable(name) ? (each[name] ?? []) : []))
      if (name === 'cpu') {
        const taken = reserved.reduce((sum, each) => sum + quantityMilli(each), 0)
        return [name, formatQuantity(`${Math.max(0, quantityMilli(whole) - taken)}m`)]
      }
      const signal = evictedFor[name]
      const bytes = quantityValue(whole)
      const kept = signal ? hardReservation(thresholds, signal, bytes) : 0
      const taken = reserved.reduce((sum, each) => sum + quantityValue(each), kept)
      if (taken === 0) return [name, whole]
      return [name, formatQuantity(`${Math.floor(Math.max(0, bytes - taken) / 1024)}Ki`)]
    }),
  )

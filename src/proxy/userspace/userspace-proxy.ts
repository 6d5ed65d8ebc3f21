/** The classic proxy: a port of this process for each set of endpoints, to which rules redirect a Service's clients. */

import { type Clock, systemClock } from '../../api/clock.ts'
import type { Logger } from '../../host/log.ts'
import type { IpFamily } from '../../ip/address.ts'
import type { Portal, Relays } from '../relays.ts'
import { createPicker, type Picker } from './picker.ts'
import { listenTcp, type Relay } from './tcp-relay.ts'
import { listenUdp } from './udp-relay.ts'

export interface UserspaceProxyOptions {
  readonly family: IpFamily
  /** Called with the Service's key when a port was opened for it. */
  readonly onOpen: (service: string) => void
  readonly log: Logger
  readonly clock?: Clock
  /** Where to listen; all addresses of the family when missing. */
  readonly address?: string
}

export interface UserspaceProxy extends Relays {
  /** Ends all that is carried. */
  close(): void
}

interface Place {
  readonly picker: Picker
  relay: Relay | undefined
  isClosed: boolean
}

const everywhere = { IPv4: '0.0.0.0', IPv6: '::' } as const

const listenFor = { tcp: listenTcp, udp: listenUdp } as const

export const createUserspaceProxy = (options: UserspaceProxyOptions): UserspaceProxy => {
  const { family, onOpen, log, clock = systemClock, address = everywhere[family] } = options
  const places = new Map<string, Place>()
  const ofService = new Map<string, ReadonlySet<string>>()
  /** Without a portal, but rules may still lead there. */
  const unused = new Set<Place>()

  const open = async (service: string, { id, protocol }: Portal, place: Place): Promise<void> => {
    try {
      const relay = await listenFor[protocol](address, 0, place.picker)
      if (place.isClosed) return relay.destroy()
      place.relay = relay
      onOpen(service)
    } catch (error) {
      // The kernel translates in its place; the next change of the Service tries again.
      log.error({ err: error, service }, 'cannot open a port to relay a Service')
      if (places.get(id) === place) places.delete(id)
    }
  }

  const placeOf = (service: string, portal: Portal): Place => {
    const known = places.get(portal.id)
    known?.picker.update(portal)
    if (known) return known
    const place: Place = { picker: createPicker(portal, clock), relay: undefined, isClosed: false }
    places.set(portal.id, place)
    void open(service, portal, place)
    return place
  }

  const leave = (id: string): void => {
    const place = places.get(id)
    places.delete(id)
    if (!place) return
    place.isClosed = true
    unused.add(place)
  }

  return {
    place: (service, portals) => {
      const before = ofService.get(service) ?? new Set()
      const now = new Set(portals.map(({ id }) => id))
      for (const id of before) if (!now.has(id)) leave(id)
      if (now.size > 0) ofService.set(service, now)
      else ofService.delete(service)
      return new Map(
        portals.flatMap((portal): [string, number][] => {
          const { relay } = placeOf(service, portal)
          return relay ? [[portal.id, relay.port]] : []
        }),
      )
    },
    written: () => {
      for (const { relay } of unused) relay?.close()
      unused.clear()
    },
    close: () => {
      for (const place of [...places.values(), ...unused]) {
        place.isClosed = true
        place.relay?.destroy()
      }
      places.clear()
      unused.clear()
    },
  }
}

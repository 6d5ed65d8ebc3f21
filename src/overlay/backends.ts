/** Every backend there is. */
import type { BackendName, BackendOptions, OverlayBackend } from './backend.ts'
import { createHostGw } from './host-gw.ts'
import { createVxlan } from './vxlan.ts'
import { createWireguard } from './wireguard.ts'

/** For networks that somebody else looks after, or a single node. */
const createNone = (): OverlayBackend => ({ name: 'none', overhead: 0, sync: async () => [], close: async () => {} })

const table: Readonly<Record<BackendName, (options: BackendOptions) => OverlayBackend>> = {
  vxlan: createVxlan,
  'host-gw': createHostGw,
  wireguard: createWireguard,
  none: createNone,
}

export const backendNames = Object.keys(table)

export const isBackendName = (name: string): name is BackendName => Object.hasOwn(table, name)

export const createBackend = (name: BackendName, options: BackendOptions): OverlayBackend => table[name](options)

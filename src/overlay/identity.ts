/** What this node is to the others on the pod network. */
import { createHash } from 'node:crypto'
import type { OverlayIdentity } from './annotations.ts'
import type { BackendName } from './backend.ts'
import { openWireguardKeys } from './wireguard.ts'

/** A locally administered address, the same for the same node for ever. */
export const vtepMacOf = (nodeName: string): string => {
  const bytes = createHash('sha256').update(nodeName).digest().subarray(0, 6)
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
}

/** Makes the node's key where the backend needs one. */
export const readIdentity = async (
  backend: BackendName,
  nodeName: string,
  keyFile: string,
  onDamage: (message: string) => void,
): Promise<OverlayIdentity> => ({
  vtepMac: vtepMacOf(nodeName),
  ...(backend === 'wireguard' ? { publicKey: (await openWireguardKeys(keyFile, onDamage)).publicKey } : {}),
})

/** Answers of a CNI plugin, in the shape of the version that was asked for (CNI 1.1, section 5). */
import { isIPv6 } from '../../ip/address.ts'
import { hostCidr } from '../../ip/cidr.ts'
import { podBridge } from '../bridge.ts'
import { type CniVersion, cniVersions } from './request.ts'

export interface AddedInterface {
  readonly hostName: string
  readonly bridgeMac: string
  readonly ifname: string
  readonly mac: string
  readonly netns: string
  readonly mtu: number
  readonly addresses: readonly string[]
  /** One for each address. */
  readonly gateways: readonly string[]
}

/** Interfaces carry their MTU from 1.1.0 on; addresses their family before 1.0.0. */
export const addResult = (version: CniVersion, added: AddedInterface): object => {
  const mtu = version === '1.1.0' ? { mtu: added.mtu } : {}
  const family = (address: string) => (version < '1.0.0' ? { version: isIPv6(address) ? '6' : '4' } : {})
  return {
    cniVersion: version,
    interfaces: [
      { name: podBridge, mac: added.bridgeMac, ...mtu },
      { name: added.hostName, ...mtu },
      { name: added.ifname, mac: added.mac, sandbox: added.netns, ...mtu },
    ],
    ips: added.addresses.map((address, at) => ({
      ...{ ...family(address), address: hostCidr(address), interface: 2 },
      ...(added.gateways[at] === undefined ? {} : { gateway: added.gateways[at] }),
    })),
    routes: added.gateways.map((gateway) => ({ dst: isIPv6(gateway) ? '::/0' : '0.0.0.0/0', gw: gateway })),
    dns: {},
  }
}

export const versionResult = (): object => ({ cniVersion: '1.1.0', supportedVersions: cniVersions })

export const errorResult = (version: string, code: number, message: string): object => ({
  cniVersion: version,
  code,
  msg: message,
})

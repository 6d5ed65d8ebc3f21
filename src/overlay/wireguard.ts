/**
 * WireGuard between the nodes: each node is a peer that may use the addresses of its pods. The tools are iproute2 and `wg`;
 * the kernel must know the device type.
 */

import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { CommandError, isCommandMissing } from '../host/command.ts'
import { DamagedFile, readOrRefuse, readOrSetAside } from '../host/durable-file.ts'
import { writeFileAtomic } from '../host/files.ts'
import { line } from '../host/iproute.ts'
import { isIPv6, joinHostPort } from '../ip/address.ts'
import { addressAt, hostCidr } from '../ip/cidr.ts'
import { addressLines, type BackendOptions, type OverlayBackend } from './backend.ts'
import { diffEntries } from './entries.ts'
import { showAddresses, showLinks, showRoutes } from './kernel-view.ts'
import type { Peer } from './peers.ts'

export const wireguardDevice = 'podway-wg'
/** The port that WireGuard's own examples use, and flannel. */
const port = 51_820
/** Outer IP and UDP headers, WireGuard's own, and the tag. */
export const wireguardOverhead = (underlay: string): number => (isIPv6(underlay) ? 80 : 60)

export interface WireguardKeys {
  /** Both in base64. */
  readonly privateKey: string
  readonly publicKey: string
}

/** In the encodings of RFC 8410 the key is what comes last. */
const rawKeyBytes = 32
const privatePrefix = Buffer.from('302e020100300506032b656e04220420', 'hex')

const publicOf = (privateKey: string): string => {
  const der = Buffer.concat([privatePrefix, Buffer.from(privateKey, 'base64')])
  const key = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
  return key.export({ format: 'der', type: 'spki' }).subarray(-rawKeyBytes).toString('base64')
}

const parseKey = (text: string): WireguardKeys => {
  const privateKey = text.trim()
  if (!/^[A-Za-z0-9+/]{43}=$/.test(privateKey)) throw new Error('it does not hold a WireGuard key')
  return { privateKey, publicKey: publicOf(privateKey) }
}

/** The node's keys, made at the first start. The others learn of a new key in place of a damaged one as of any other. */
export const openWireguardKeys = async (file: string, onDamage: (message: string) => void): Promise<WireguardKeys> => {
  const known = await readOrSetAside(file, parseKey, onDamage)
  if (known) return known
  const made = generateKeyPairSync('x25519').privateKey.export({ format: 'der', type: 'pkcs8' })
  const privateKey = made.subarray(-rawKeyBytes).toString('base64')
  await writeFileAtomic(file, `${privateKey}\n`)
  return { privateKey, publicKey: publicOf(privateKey) }
}

/** The keys that the node has told the others. */
const readKeys = async (file: string): Promise<WireguardKeys> => {
  const cure = 'restart the agent, and the node gets a new key'
  const keys = await readOrRefuse(file, parseKey, cure)
  if (!keys) throw new DamagedFile(file, 'is gone', cure)
  return keys
}

const endpoint = (address: string): string => joinHostPort(address, port)

/** The device's configuration, as `wg syncconf` reads it. Pure. Peers that have told no key cannot be reached yet. */
export const compileWireguard = (privateKey: string, peers: readonly Peer[]): string =>
  [
    ['[Interface]', `PrivateKey = ${privateKey}`, `ListenPort = ${port}`],
    ...peers.flatMap(({ publicKey, address, podCIDRs }) =>
      publicKey === undefined
        ? []
        : [
            [
              '[Peer]',
              `PublicKey = ${publicKey}`,
              `Endpoint = ${endpoint(address)}`,
              `AllowedIPs = ${podCIDRs.join(', ')}`,
            ],
          ],
    ),
  ]
    .map((section) => section.join('\n'))
    .join('\n\n')
    .concat('\n')

const unsupported = (error: unknown): Error | undefined => {
  if (isCommandMissing(error)) return new Error('WireGuard needs the program wg: install the package wireguard-tools')
  if (error instanceof CommandError && /Unknown device type|not supported/.test(error.stderr))
    return new Error(
      'this kernel has no WireGuard: load its module (modprobe wireguard, Linux 5.6 or newer), or choose another --overlay',
    )
  return undefined
}

export const createWireguard = ({ iproute, runner, podCIDRs, underlay, keyFile }: BackendOptions): OverlayBackend => {
  const overhead = wireguardOverhead(underlay.address)
  const mtu = underlay.mtu - overhead
  const own = podCIDRs.map((cidr) => hostCidr(addressAt(cidr, 0)))

  const ensureDevice = async (): Promise<void> => {
    const link = (await showLinks(iproute)).find(({ name }) => name === wireguardDevice)
    const addresses = link ? await showAddresses(iproute, wireguardDevice) : []
    await iproute.ip([
      ...(link ? [] : [line`link add ${wireguardDevice} type wireguard`]),
      ...(link?.mtu === mtu ? [] : [line`link set ${wireguardDevice} mtu ${mtu}`]),
      ...addressLines(wireguardDevice, own, addresses),
      ...(link?.isUp ? [] : [line`link set ${wireguardDevice} up`]),
    ])
  }

  const syncRoutes = async (peers: readonly Peer[]): Promise<readonly string[]> => {
    const failures: string[] = []
    const wanted = peers.flatMap(({ podCIDRs: cidrs }) => cidrs.map((cidr) => ({ key: cidr, value: '' })))
    for (const family of ['-4', '-6'] as const) {
      const isMine = (cidr: string) => isIPv6(cidr) === (family === '-6')
      if (!podCIDRs.some(isMine)) continue
      const found = (await showRoutes(iproute, family, ['dev', wireguardDevice, 'scope', 'link']))
        .filter(({ destination }) => destination.includes('/'))
        .map(({ destination }) => ({ key: destination, value: '' }))
      const { add, remove } = diffEntries(
        wanted.filter(({ key }) => isMine(key)),
        found,
      )
      failures.push(
        ...(await iproute.each('ip', [
          ...remove.map(({ key }) => line`route del ${key} dev ${wireguardDevice}`),
          ...add.map(({ key }) => line`route replace ${key} dev ${wireguardDevice} scope link`),
        ])),
      )
    }
    return failures
  }

  return {
    name: 'wireguard',
    overhead,
    device: wireguardDevice,
    sync: async (peers) => {
      try {
        await ensureDevice()
        const { privateKey } = await readKeys(keyFile)
        await runner.run('wg', ['syncconf', wireguardDevice, '/dev/stdin'], compileWireguard(privateKey, peers))
      } catch (error) {
        throw unsupported(error) ?? error
      }
      return syncRoutes(peers.filter(({ publicKey }) => publicKey !== undefined))
    },
    close: async () => {
      const links = await showLinks(iproute)
      if (links.some(({ name }) => name === wireguardDevice)) await iproute.ip([line`link del dev ${wireguardDevice}`])
    },
  }
}

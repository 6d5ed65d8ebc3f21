/** What an agent with another backend has left in the kernel: it would carry packets past the one that is chosen now. */
import { type Iproute, line } from '../host/iproute.ts'
import type { OverlayBackend } from './backend.ts'
import { routeProtocol } from './host-gw.ts'
import { showLinks, showRoutes } from './kernel-view.ts'
import { vxlanDevice } from './vxlan.ts'
import { wireguardDevice } from './wireguard.ts'

/** Devices that backends make. */
export const tunnelDevices: readonly string[] = [vxlanDevice, wireguardDevice]

/** Removes other backends' devices, and routes that the backend does not look after. */
export const removeLeftovers = async (
  iproute: Iproute,
  { name, device }: Pick<OverlayBackend, 'name' | 'device'>,
  underlayFamily: '-4' | '-6',
): Promise<void> => {
  const links = (await showLinks(iproute)).map((link) => link.name)
  const others = tunnelDevices.filter((each) => each !== device && links.includes(each))
  await iproute.ip(others.map((each) => line`link del dev ${each}`))
  for (const family of ['-4', '-6'] as const) {
    if ((name === 'vxlan' || name === 'host-gw') && family === underlayFamily) continue
    const routes = await showRoutes(iproute, family, ['proto', routeProtocol]).catch((error: unknown) => {
      // A kernel without IPv6 has none.
      if (family === '-6') return []
      throw error
    })
    await iproute.ip(
      routes.map(
        ({ destination, gateway }) =>
          line`route del ${destination} ${gateway === '' ? [] : ['via', gateway]} proto ${routeProtocol}`,
      ),
    )
  }
}

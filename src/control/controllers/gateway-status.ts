/** Says what becomes of GatewayClasses, Gateways and HTTPRoutes; the proxy of every node serves them. */
import {
  configMaps,
  gatewayClasses,
  gateways,
  httpRoutes,
  namespaces,
  nodes,
  referenceGrants,
  secrets,
  services,
} from '../../api/resources.ts'
import { createGatewayController } from '../../proxy/ingress/gateway/controller.ts'
import { sharedPlace } from '../../proxy/ingress/gateway/places.ts'
import type { CreateController } from './controller.ts'
import { settleAddresses } from './gateway-addresses.ts'
import { addressesServedBy, servingAddresses } from './ingress-status.ts'
import { onRelevantChange } from './relevant-change.ts'

const name = 'gateway-status'

export const createGatewayStatusController: CreateController = ({
  client,
  informers,
  clock,
  log,
  loadBalancerAddresses: pool,
}) => {
  const nodeCopies = informers.of(nodes)
  const addresses = (): readonly string[] => servingAddresses(nodeCopies.values()).flatMap(({ ip }) => ip ?? [])
  const controller = createGatewayController({
    ...{ client, clock, addresses },
    settle: (ours) => (pool ? settleAddresses(pool, ours) : sharedPlace),
    sources: {
      classes: informers.of(gatewayClasses),
      gateways: informers.of(gateways),
      routes: informers.of(httpRoutes),
      grants: informers.of(referenceGrants),
      services: informers.of(services),
      namespaces: informers.of(namespaces),
      secrets: informers.of(secrets),
      configMaps: informers.of(configMaps),
    },
    onError: (error, retryInMs) =>
      log.warn({ controller: name, err: error, retryInMs }, 'writing statuses failed; trying again'),
  })

  return {
    name,
    run: (signal) => {
      onRelevantChange(nodeCopies, addressesServedBy, controller.lookAgain)
      pool?.onRelease(controller.lookAgain)
      return controller.run(signal)
    },
  }
}

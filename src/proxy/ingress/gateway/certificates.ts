/** Which Secrets and ConfigMaps our Gateways name. Pure. */
import type { Gateway, GatewayClass, ReferenceGrant } from '../../../api/types/index.ts'
import { gatewayController } from './model.ts'
import { referred } from './references.ts'

export interface GatewayReferences {
  /** With certificates, `namespace/name`. */
  readonly secrets: readonly string[]
  /** With authorities of clients. */
  readonly configMaps: readonly string[]
}

/** All that are named with leave: of another namespace only where a grant allows it. */
export const gatewayReferences = (
  classes: Iterable<GatewayClass>,
  gateways: Iterable<Gateway>,
  grants: Iterable<ReferenceGrant>,
): GatewayReferences => {
  const names = new Set(
    [...classes].filter(({ spec }) => spec?.controllerName === gatewayController).map(({ metadata }) => metadata.name),
  )
  const ours = [...gateways].filter(({ spec }) => names.has(spec?.gatewayClassName ?? ''))
  const world = { grants: [...grants] }
  const keysOf = (kind: 'Secret' | 'ConfigMap', refsOf: (gateway: Gateway) => Parameters<typeof referred>[2][]) =>
    ours.flatMap((gateway) =>
      refsOf(gateway).flatMap((ref) => {
        const found = referred(world, gateway.metadata.namespace ?? '', ref, { kind, reason: '' })
        return 'key' in found ? [found.key] : []
      }),
    )
  return {
    secrets: keysOf('Secret', ({ spec }) => (spec?.listeners ?? []).flatMap(({ tls }) => tls?.certificateRefs ?? [])),
    configMaps: keysOf('ConfigMap', ({ spec }) => {
      const { default: common, perPort = [] } = spec?.tls?.frontend ?? {}
      return [common, ...perPort.map(({ tls }) => tls)].flatMap((each) => each?.validation?.caCertificateRefs ?? [])
    }),
  }
}

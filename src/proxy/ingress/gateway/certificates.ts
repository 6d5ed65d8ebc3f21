/** Which Secrets the listeners of our Gateways name. Pure. */
import type { Gateway, GatewayClass, ReferenceGrant } from '../../../api/types/index.ts'
import { isPermitted } from './grants.ts'
import { gatewayController, gatewayGroup } from './model.ts'

/** `namespace/name` of all that are named with leave: of another namespace only where a grant allows it. */
export const certificateSecrets = (
  classes: Iterable<GatewayClass>,
  gateways: Iterable<Gateway>,
  grants: Iterable<ReferenceGrant>,
): readonly string[] => {
  const ours = new Set(
    [...classes].filter(({ spec }) => spec?.controllerName === gatewayController).map(({ metadata }) => metadata.name),
  )
  const allGrants = [...grants]
  return [...gateways].flatMap(({ metadata: { namespace = '' }, spec }) => {
    if (!ours.has(spec?.gatewayClassName ?? '')) return []
    const refs = (spec?.listeners ?? []).flatMap(({ tls }) => tls?.certificateRefs ?? [])
    return refs.flatMap(({ group = '', kind = 'Secret', name, namespace: home = namespace }) => {
      const from = { group: gatewayGroup, kind: 'Gateway', namespace }
      const isMeant = group === '' && kind === 'Secret'
      return isMeant && isPermitted(allGrants, from, { group, kind, namespace: home, name }) ? [`${home}/${name}`] : []
    })
  })
}

/** References of Gateways to what TLS needs: certificates in Secrets, authorities in ConfigMaps. */
import type { GatewayObjectReference } from '../../../api/types/index.ts'
import { isPermitted } from './grants.ts'
import { type GatewayWorld, gatewayGroup, type Problem } from './model.ts'

export type Referred = { readonly key: string } | { readonly problem: Problem }

/** The object (`namespace/name`) that a Gateway of `namespace` means, if it is of `kind` and may be referred to. */
export const referred = (
  { grants }: Pick<GatewayWorld, 'grants'>,
  namespace: string,
  ref: GatewayObjectReference,
  { kind: wanted, reason }: { readonly kind: 'Secret' | 'ConfigMap'; readonly reason: string },
): Referred => {
  const { group = '', kind = wanted, name } = ref
  if (group !== '' || kind !== wanted)
    return { problem: { reason, message: `${[kind, group].filter(Boolean).join('.')} ${name} is no ${wanted}` } }
  const home = ref.namespace ?? namespace
  const key = `${home}/${name}`
  const from = { group: gatewayGroup, kind: 'Gateway', namespace }
  if (isPermitted(grants, from, { group, kind, namespace: home, name })) return { key }
  const message = `no ReferenceGrant in ${home} allows a reference to ${wanted} ${key}`
  return { problem: { reason: 'RefNotPermitted', message } }
}

/** Who may refer across namespaces (ReferenceGrant). */
import type { ReferenceGrant } from '../../../api/types/index.ts'

interface Referrer {
  readonly group: string
  readonly kind: string
  readonly namespace: string
}

interface Referent extends Referrer {
  readonly name: string
}

const allows = ({ spec }: ReferenceGrant, from: Referrer, to: Referent): boolean =>
  (spec?.from ?? []).some(
    ({ group, kind, namespace }) => group === from.group && kind === from.kind && namespace === from.namespace,
  ) &&
  (spec?.to ?? []).some(
    ({ group, kind, name }) => group === to.group && kind === to.kind && (!name || name === to.name),
  )

/** Within a namespace everything may; otherwise a grant in the namespace of what is referred to has to say so. */
export const isPermitted = (grants: readonly ReferenceGrant[], from: Referrer, to: Referent): boolean =>
  from.namespace === to.namespace ||
  grants.some((grant) => grant.metadata.namespace === to.namespace && allows(grant, from, to))

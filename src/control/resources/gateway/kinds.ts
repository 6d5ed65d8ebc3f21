import type { ResourceDefinition } from '../definition.ts'
import { gateway, gatewayClass } from './gateway.ts'
import { httpRoute } from './http-route.ts'
import { referenceGrant } from './reference-grant.ts'

/** The kinds of this group. A new one is a file beside this, a line here, and the forms of its texts in formats.ts. */
export const gatewayKinds: readonly ResourceDefinition[] = [gatewayClass, gateway, httpRoute, referenceGrant]

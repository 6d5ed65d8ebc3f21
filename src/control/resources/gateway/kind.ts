/** What the kinds of the Gateway API have in common. */
import { subdomainName } from '../names.ts'

export const gatewayKind = {
  group: 'gateway.networking.k8s.io',
  categories: ['gateway-api'],
  nameRule: subdomainName,
  generation: true,
  custom: true,
} as const

/** Those of version 1, which clients of its beta know as well. */
export const gatewayKindV1 = {
  ...gatewayKind,
  version: 'v1',
  otherVersions: [{ version: 'v1beta1' }],
  status: 'separate',
} as const

/** The CustomResourceDefinitions of the Gateway API: those of its standard channel that routes need. Pure. */
import type { Draft } from '../../../api/client.ts'
import type {
  CustomResourceColumnDefinition as Column,
  CustomResourceDefinition,
  CustomResourceDefinitionNames as Names,
  CustomResourceDefinitionVersion as Version,
} from '../../../api/types/kubernetes/apiextensions-v1.ts'
import { gatewayGroup } from '../../../proxy/ingress/gateway/model.ts'
import { backendTlsPolicySchema } from './backend-tls-policy.ts'
import { gatewaySchema } from './gateway.ts'
import { gatewayClassSchema } from './gateway-class.ts'
import { grpcRouteSchema } from './grpc-route.ts'
import { httpRouteSchema } from './http-route.ts'
import { referenceGrantSchema } from './reference-grant.ts'
import type { Schema } from './schema.ts'

export type DefinitionDraft = Omit<Draft<CustomResourceDefinition>, 'status'>

/** The release of the Gateway API that they are those of. Others read these annotations, and we do. */
export const bundleAnnotations = {
  'gateway.networking.k8s.io/bundle-version': 'v1.6.1',
  'gateway.networking.k8s.io/channel': 'standard',
} as const

const approval = { 'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/gateway-api/pull/4530' }

const column = (name: string, jsonPath: string, type = 'string', priority?: number): Column => ({
  ...{ name, type, jsonPath },
  ...(priority === undefined ? {} : { priority }),
})

const age = column('Age', '.metadata.creationTimestamp', 'date')
const condition = (type: string): Column => column(type, `.status.conditions[?(@.type=="${type}")].status`)

/** `serves`: the versions in which it is served, which have the same schema. The first keeps the objects. */
interface Described {
  readonly kind: string
  readonly plural: string
  readonly shortNames?: readonly string[]
  readonly scope?: 'Cluster'
  readonly labels?: Readonly<Record<string, string>>
  readonly columns: readonly Column[]
  readonly schema: Schema
  readonly serves: readonly [string, ...string[]]
  readonly hasStatus?: false
}

const definitionOf = (described: Described): DefinitionDraft => {
  const { kind, plural, shortNames, columns, schema, hasStatus = true } = described
  const names: Names = {
    ...{ plural, singular: kind.toLowerCase(), kind, listKind: `${kind}List` },
    ...(shortNames ? { shortNames } : {}),
    categories: ['gateway-api'],
  }
  const version = (name: string, at: number): Version => ({
    ...{ name, served: true, storage: at === 0 },
    schema: { openAPIV3Schema: schema },
    subresources: hasStatus ? { status: {} } : {},
    additionalPrinterColumns: columns,
  })
  return {
    metadata: {
      name: `${plural}.${gatewayGroup}`,
      ...(described.labels ? { labels: described.labels } : {}),
      annotations: { ...approval, ...bundleAnnotations },
    },
    spec: {
      group: gatewayGroup,
      names,
      scope: described.scope ?? 'Namespaced',
      versions: described.serves.map(version),
      conversion: { strategy: 'None' },
    },
  }
}

const hostnames = column('Hostnames', '.spec.hostnames')

export const gatewayDefinitions = (): readonly DefinitionDraft[] =>
  [
    {
      ...{ kind: 'GatewayClass', plural: 'gatewayclasses', shortNames: ['gc'], scope: 'Cluster' as const },
      columns: [
        column('Controller', '.spec.controllerName'),
        ...[condition('Accepted'), age],
        column('Description', '.spec.description', 'string', 1),
      ],
      ...{ schema: gatewayClassSchema, serves: ['v1', 'v1beta1'] as const },
    },
    {
      ...{ kind: 'Gateway', plural: 'gateways', shortNames: ['gtw'] },
      columns: [
        column('Class', '.spec.gatewayClassName'),
        column('Address', '.status.addresses[*].value'),
        ...[condition('Programmed'), age],
      ],
      ...{ schema: gatewaySchema, serves: ['v1', 'v1beta1'] as const },
    },
    {
      ...{ kind: 'HTTPRoute', plural: 'httproutes', columns: [hostnames, age] },
      ...{ schema: httpRouteSchema, serves: ['v1', 'v1beta1'] as const },
    },
    {
      ...{ kind: 'GRPCRoute', plural: 'grpcroutes', columns: [hostnames, age] },
      ...{ schema: grpcRouteSchema, serves: ['v1'] as const },
    },
    {
      ...{ kind: 'ReferenceGrant', plural: 'referencegrants', shortNames: ['refgrant'], columns: [age] },
      ...{ schema: referenceGrantSchema, serves: ['v1beta1', 'v1'] as const, hasStatus: false as const },
    },
    {
      ...{ kind: 'BackendTLSPolicy', plural: 'backendtlspolicies', shortNames: ['btlspolicy'], columns: [age] },
      labels: { 'gateway.networking.k8s.io/policy': 'Direct' },
      ...{ schema: backendTlsPolicySchema, serves: ['v1'] as const },
    },
  ].map(definitionOf)

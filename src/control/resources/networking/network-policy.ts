import { type FieldError, forbiddenField, invalidValue, notSupported, required } from '../../../api/errors.ts'
import { formatLabelSelector } from '../../../api/selectors.ts'
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '../../../api/types/index.ts'
import { includes, parseMaskedCidr } from '../../../ip/cidr.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { validateSelector } from '../metadata.ts'
import { checkPortName, isPort, portRange, subdomainName } from '../names.ts'

const protocols = ['TCP', 'UDP', 'SCTP']
const policyTypes = ['Ingress', 'Egress'] as const

const validatePort = ({ protocol, port, endPort }: NetworkPolicyPort, field: string): FieldError[] => {
  const endField = `${field}.endPort`
  const wrongProtocol =
    protocol === undefined || protocols.includes(protocol)
      ? []
      : [notSupported(`${field}.protocol`, protocol, protocols)]
  if (port === undefined)
    return [
      ...wrongProtocol,
      ...(endPort === undefined
        ? []
        : [invalidValue(endField, endPort, 'may not be specified when `port` is not specified')]),
    ]
  if (typeof port === 'string') {
    const wrong = checkPortName(port)
    return [
      ...wrongProtocol,
      ...(wrong === undefined ? [] : [invalidValue(`${field}.port`, port, wrong)]),
      ...(endPort === undefined
        ? []
        : [invalidValue(endField, endPort, 'may not be specified when `port` is non-numeric')]),
    ]
  }
  const wrongEnd =
    endPort === undefined
      ? []
      : endPort < port
        ? [invalidValue(endField, endPort, 'must be greater than or equal to `port`')]
        : isPort(endPort)
          ? []
          : [invalidValue(endField, endPort, portRange)]
  return [...wrongProtocol, ...(isPort(port) ? [] : [invalidValue(`${field}.port`, port, portRange)]), ...wrongEnd]
}

const validCidr = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'

const validateBlock = ({ cidr, except = [] }: IPBlock, field: string): FieldError[] => {
  if (!cidr) return [required(`${field}.cidr`)]
  const whole = parseMaskedCidr(cidr)
  if (!whole) return [invalidValue(`${field}.cidr`, cidr, validCidr)]
  return except.flatMap((text, at) => {
    const path = `${field}.except[${at}]`
    const part = parseMaskedCidr(text)
    if (!part) return [invalidValue(path, text, validCidr)]
    return includes(whole, part) && part.bits > whole.bits
      ? []
      : [invalidValue(path, text, 'must be a strict subset of `cidr`')]
  })
}

const validatePeer = ({ podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer, field: string): FieldError[] => {
  if (!podSelector && !namespaceSelector && !ipBlock) return [required(field, 'must specify a peer')]
  if (ipBlock && (podSelector || namespaceSelector))
    return [forbiddenField(field, 'may not specify both ipBlock and another peer')]
  return [
    ...(podSelector ? validateSelector(podSelector, `${field}.podSelector`) : []),
    ...(namespaceSelector ? validateSelector(namespaceSelector, `${field}.namespaceSelector`) : []),
    ...(ipBlock ? validateBlock(ipBlock, `${field}.ipBlock`) : []),
  ]
}

const validateRule = (
  { ports = [] }: { readonly ports?: readonly NetworkPolicyPort[] },
  peers: readonly NetworkPolicyPeer[] = [],
  field: string,
  peersField: 'from' | 'to',
): FieldError[] => [
  ...ports.flatMap((port, at) => validatePort(port, `${field}.ports[${at}]`)),
  ...peers.flatMap((peer, at) => validatePeer(peer, `${field}.${peersField}[${at}]`)),
]

const validate = ({ spec }: NetworkPolicy): FieldError[] => {
  const { podSelector = {}, ingress = [], egress = [], policyTypes: types = [] } = spec ?? {}
  return [
    ...validateSelector(podSelector, 'spec.podSelector'),
    ...ingress.flatMap((rule, at) => validateRule(rule, rule.from, `spec.ingress[${at}]`, 'from')),
    ...egress.flatMap((rule, at) => validateRule(rule, rule.to, `spec.egress[${at}]`, 'to')),
    ...(types.length > 2 ? [invalidValue('spec.policyTypes', types, 'may not specify more than two policyTypes')] : []),
    ...types.flatMap((type, at) =>
      policyTypes.includes(type) ? [] : [notSupported(`spec.policyTypes[${at}]`, type, [...policyTypes].sort())],
    ),
  ]
}

const withProtocol = (port: NetworkPolicyPort): NetworkPolicyPort => ({ ...port, protocol: port.protocol ?? 'TCP' })

const withProtocols = <R extends { readonly ports?: readonly NetworkPolicyPort[] }>(rule: R): R =>
  rule.ports ? { ...rule, ports: rule.ports.map(withProtocol) } : rule

const withDefaults = (policy: NetworkPolicy): NetworkPolicy => {
  const { spec } = policy
  const podSelector = spec?.podSelector ?? {}
  const types =
    spec?.policyTypes && spec.policyTypes.length > 0
      ? spec.policyTypes
      : spec?.egress && spec.egress.length > 0
        ? policyTypes
        : (['Ingress'] as const)
  return {
    ...policy,
    spec: {
      ...spec,
      podSelector,
      ...(spec?.ingress ? { ingress: spec.ingress.map(withProtocols) } : {}),
      ...(spec?.egress ? { egress: spec.egress.map(withProtocols) } : {}),
      policyTypes: types,
    },
  }
}

export const networkPolicy = define<NetworkPolicy>({
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'networkpolicies',
  singular: 'networkpolicy',
  kind: 'NetworkPolicy',
  namespaced: true,
  shortNames: ['netpol'],
  nameRule: subdomainName,
  generation: true,
  columns: [
    nameColumn,
    column(
      'Pod-Selector',
      ({ spec }) => formatLabelSelector(spec?.podSelector ?? {}) || '<none>',
      'The pods that it applies to',
    ),
    ageColumn,
  ],
  defaults: withDefaults,
  validate,
})

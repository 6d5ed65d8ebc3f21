import { duplicate, type FieldError, invalidValue, notSupported, required, tooMany } from '../../../api/errors.ts'
import { checkSubdomain, qualifiedNameMessage } from '../../../api/names.ts'
import type { Endpoint, EndpointSlice } from '../../../api/types/index.ts'
import { parseAddress } from '../../../ip/address.ts'
import { ageColumn, column, nameColumn, shorten } from '../columns.ts'
import { define } from '../definition.ts'
import { checkNonSpecialIp } from '../formats/formats.ts'
import { immutable } from '../metadata.ts'
import { checkLabel, isPort, portRange, subdomainName } from '../names.ts'
import { repeatedAt } from '../repeated.ts'
import { endpointSliceV1beta1 } from './endpoint-slice-v1beta1.ts'

const addressTypes = ['FQDN', 'IPv4', 'IPv6']
const protocols = ['SCTP', 'TCP', 'UDP']
const maxEndpoints = 1000
const maxPorts = 100
const maxAddresses = 100
const maxTopologyLabels = 16

/** Why an address is not one of its slice. */
const checkAddress = (address: string, type: string): string | undefined => {
  if (type === 'FQDN') return checkSubdomain(address)
  if (!addressTypes.includes(type)) return undefined
  const isOfType = address.length <= 64 && parseAddress(address)?.family === type
  return isOfType ? checkNonSpecialIp(address) : `must be a valid ${type} address`
}

const validateEndpoint = (endpoint: Endpoint, field: string, type: string): FieldError[] => [
  ...(endpoint.addresses.length === 0 ? [required(`${field}.addresses`, 'must contain at least 1 address')] : []),
  ...tooMany(`${field}.addresses`, endpoint.addresses.length, maxAddresses),
  ...endpoint.addresses.flatMap((address, at) => {
    const message = checkAddress(address, type)
    return message === undefined ? [] : [invalidValue(`${field}.addresses[${at}]`, address, message)]
  }),
  ...(endpoint.hostname === '' ? [invalidValue(`${field}.hostname`, '', checkLabel('') ?? '')] : []),
  ...tooMany(`${field}.deprecatedTopology`, Object.keys(endpoint.deprecatedTopology ?? {}).length, maxTopologyLabels),
]

const validateSlice = (slice: EndpointSlice): FieldError[] => {
  const { endpoints: items = [], ports = [] } = slice
  if (!slice.addressType) return [required('addressType')]
  const names = ports.map(({ name }) => name ?? '')
  const isKnown = addressTypes.includes(slice.addressType)
  return [
    ...(isKnown ? [] : [notSupported('addressType', slice.addressType, addressTypes)]),
    ...tooMany('endpoints', items.length, maxEndpoints),
    ...tooMany('ports', ports.length, maxPorts),
    ...items.flatMap((endpoint, at) => validateEndpoint(endpoint, `endpoints[${at}]`, slice.addressType)),
    ...repeatedAt(names).map((at) => duplicate(`ports[${at}].name`, names[at])),
    ...ports.flatMap(({ port, protocol, appProtocol }, at) => [
      ...(port === undefined || isPort(port) ? [] : [invalidValue(`ports[${at}].port`, port, portRange)]),
      // Said, but empty, is not the same as not said.
      ...(String(protocol) === '' ? [notSupported(`ports[${at}].protocol`, '', protocols)] : []),
      ...(appProtocol === '' ? [invalidValue(`ports[${at}].appProtocol`, '', qualifiedNameMessage)] : []),
    ]),
  ]
}

export const endpointSlice = define<EndpointSlice>({
  group: 'discovery.k8s.io',
  version: 'v1',
  plural: 'endpointslices',
  singular: 'endpointslice',
  kind: 'EndpointSlice',
  namespaced: true,
  nameRule: subdomainName,
  generation: true,
  columns: [
    nameColumn,
    column('AddressType', (s) => s.addressType, 'The kind of addresses in it'),
    column(
      'Ports',
      (s) => shorten((s.ports ?? []).map(({ port }) => String(port ?? '*'))).replace('<none>', '<unset>'),
      'Ports of every endpoint',
    ),
    column(
      'Endpoints',
      (s) => shorten((s.endpoints ?? []).flatMap(({ addresses }) => addresses)).replace('<none>', '<unset>'),
      'Addresses in it',
    ),
    ageColumn,
  ],
  defaults: (s) => ({
    ...s,
    endpoints: s.endpoints ?? [],
    ...(s.ports ? { ports: s.ports.map((port) => ({ name: '', protocol: 'TCP', ...port })) } : {}),
  }),
  validate: validateSlice,
  otherVersions: [{ version: 'v1beta1', convert: endpointSliceV1beta1 }],
  validateUpdate: (slice, old) => immutable('addressType', slice.addressType, old.addressType),
})

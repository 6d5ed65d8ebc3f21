import { duplicate, type FieldError, invalidValue, required } from '../../api/errors.ts'
import type { Endpoint, EndpointSlice, Endpoints } from '../../api/types/index.ts'
import { joinHostPort, parseAddress } from '../../ip/address.ts'
import { ageColumn, column, nameColumn } from './columns.ts'
import { define } from './definition.ts'
import { checkNonSpecialIp } from './formats/formats.ts'
import { immutable } from './metadata.ts'
import { checkSubdomain, isPort, portRange, subdomainName } from './names.ts'
import { repeatedAt } from './repeated.ts'

const shown = 3

/** The first three, and how many more there are. */
const shorten = (items: readonly string[], count = items.length): string => {
  if (items.length === 0) return '<none>'
  const rest = count - shown
  return rest > 0 ? `${items.slice(0, shown).join(',')} + ${rest} more...` : items.join(',')
}

const endpointsText = (endpoints: Endpoints): string => {
  const { first, count } = sockets(endpoints)
  return shorten(first, count)
}

/** The first ones, and the number of all: every address with every port is more than anybody may ask to see. */
const sockets = ({ subsets = [] }: Endpoints): { readonly first: readonly string[]; readonly count: number } => {
  const first = subsets.flatMap(({ addresses = [], ports = [] }) => {
    const some = addresses.slice(0, shown).map(({ ip }) => ip)
    return ports.length === 0
      ? some
      : ports.slice(0, shown).flatMap(({ port }) => some.map((ip) => joinHostPort(ip, port)))
  })
  const count = subsets.reduce(
    (sum, { addresses = [], ports = [] }) => sum + addresses.length * Math.max(1, ports.length),
    0,
  )
  return { first, count }
}

const validateEndpoints = ({ subsets }: Endpoints): FieldError[] =>
  (subsets ?? []).flatMap((subset, at) => {
    const field = `subsets[${at}]`
    const lists = [
      ['addresses', subset.addresses ?? []],
      ['notReadyAddresses', subset.notReadyAddresses ?? []],
    ] as const
    return [
      ...(lists.every(([, addresses]) => addresses.length === 0)
        ? [required(field, 'must specify `addresses` or `notReadyAddresses`')]
        : []),
      ...lists.flatMap(([name, addresses]) =>
        addresses.flatMap(({ ip }, n) => (ip ? [] : [required(`${field}.${name}[${n}].ip`)])),
      ),
      ...(subset.ports ?? []).flatMap(({ port }, n) =>
        isPort(port) ? [] : [invalidValue(`${field}.ports[${n}].port`, port, portRange)],
      ),
    ]
  })

export const endpoints = define<Endpoints>({
  group: '',
  version: 'v1',
  plural: 'endpoints',
  singular: 'endpoints',
  kind: 'Endpoints',
  namespaced: true,
  shortNames: ['ep'],
  nameRule: subdomainName,
  createOnUpdate: true,
  columns: [nameColumn, column('Endpoints', endpointsText, 'Addresses that are ready'), ageColumn],
  defaults: (e) =>
    e.subsets
      ? {
          ...e,
          subsets: e.subsets.map((subset) =>
            subset.ports ? { ...subset, ports: subset.ports.map((port) => ({ protocol: 'TCP', ...port })) } : subset,
          ),
        }
      : e,
  validate: validateEndpoints,
})

const maxEndpoints = 1000
const maxPorts = 100
const maxAddresses = 100

/** Why an address is not one of its slice. */
const checkAddress = (address: string, type: string): string | undefined => {
  if (type === 'FQDN') return checkSubdomain(address)
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
]

const tooMany = (field: string, count: number, limit: number): FieldError[] =>
  count > limit
    ? [{ reason: 'FieldValueTooMany', field, message: `Too many: ${count}: must have at most ${limit} items` }]
    : []

const validateSlice = (slice: EndpointSlice): FieldError[] => {
  const { endpoints: items = [], ports = [] } = slice
  if (!slice.addressType) return [required('addressType')]
  const names = ports.map(({ name }) => name ?? '')
  return [
    ...tooMany('endpoints', items.length, maxEndpoints),
    ...tooMany('ports', ports.length, maxPorts),
    ...items.flatMap((endpoint, at) => validateEndpoint(endpoint, `endpoints[${at}]`, slice.addressType)),
    ...repeatedAt(names).map((at) => duplicate(`ports[${at}].name`, names[at])),
    ...ports.flatMap(({ port }, at) =>
      port === undefined || isPort(port) ? [] : [invalidValue(`ports[${at}].port`, port, portRange)],
    ),
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
  validateUpdate: (slice, old) => immutable('addressType', slice.addressType, old.addressType),
})

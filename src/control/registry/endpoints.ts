import { isIP, isIPv4, isIPv6 } from 'node:net'
import { duplicate, type FieldError, invalidValue, notSupported, required } from '../../api/errors.ts'
import type { Endpoint, EndpointSlice, Endpoints } from '../../api/types/index.ts'
import { ageColumn, column, nameColumn } from './columns.ts'
import { define } from './definition.ts'
import { immutable } from './metadata.ts'
import { checkLabel, checkSubdomain, isPort, portRange, subdomainName } from './names.ts'

const shown = 3

/** The first three, and how many more there are. */
const shorten = (items: readonly string[]): string => {
  if (items.length === 0) return '<none>'
  const rest = items.length - shown
  return rest > 0 ? `${items.slice(0, shown).join(',')} + ${rest} more...` : items.join(',')
}

const sockets = ({ subsets }: Endpoints): string[] =>
  (subsets ?? []).flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip)
      : ports.flatMap(({ port }) => addresses.map(({ ip }) => (isIPv6(ip) ? `[${ip}]:${port}` : `${ip}:${port}`))),
  )

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
        addresses.flatMap(({ ip }, n) =>
          isIP(ip) ? [] : [invalidValue(`${field}.${name}[${n}].ip`, ip, 'must be a valid IP address')],
        ),
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
  columns: [nameColumn, column('Endpoints', (e) => shorten(sockets(e)), 'Addresses that are ready'), ageColumn],
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

const addressTypes = ['FQDN', 'IPv4', 'IPv6']
const maxEndpoints = 1000
const maxPorts = 100

const fits = (address: string, type: string): boolean => {
  if (type === 'IPv4') return isIPv4(address)
  if (type === 'IPv6') return isIPv6(address)
  return checkSubdomain(address) === undefined
}

const validateEndpoint = (endpoint: Endpoint, field: string, type: string): FieldError[] => [
  ...(endpoint.addresses.length === 0 ? [required(`${field}.addresses`, 'must contain at least 1 address')] : []),
  ...endpoint.addresses.flatMap((address, at) =>
    fits(address, type) ? [] : [invalidValue(`${field}.addresses[${at}]`, address, `must be a valid ${type} address`)],
  ),
  ...(endpoint.hostname !== undefined && checkLabel(endpoint.hostname) !== undefined
    ? [invalidValue(`${field}.hostname`, endpoint.hostname, checkLabel(endpoint.hostname) ?? '')]
    : []),
]

const tooMany = (field: string, count: number, limit: number): FieldError[] =>
  count > limit
    ? [{ reason: 'FieldValueTooMany', field, message: `Too many: ${count}: must have at most ${limit} items` }]
    : []

const validateSlice = (slice: EndpointSlice): FieldError[] => {
  const { endpoints: items = [], ports = [] } = slice
  if (!slice.addressType) return [required('addressType')]
  if (!addressTypes.includes(slice.addressType)) return [notSupported('addressType', slice.addressType, addressTypes)]
  const names = ports.map(({ name }) => name ?? '')
  return [
    ...tooMany('endpoints', items.length, maxEndpoints),
    ...tooMany('ports', ports.length, maxPorts),
    ...items.flatMap((endpoint, at) => validateEndpoint(endpoint, `endpoints[${at}]`, slice.addressType)),
    ...names.flatMap((name, at) => (names.indexOf(name) < at ? [duplicate(`ports[${at}].name`, name)] : [])),
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

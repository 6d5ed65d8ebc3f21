import { type FieldError, invalidValue, required } from '../../../api/errors.ts'
import { checkSubdomain, qualifiedNameMessage } from '../../../api/names.ts'
import type { Endpoints } from '../../../api/types/index.ts'
import { joinHostPort } from '../../../ip/address.ts'
import { ageColumn, column, nameColumn, shorten, shortened as shown } from '../columns.ts'
import { define } from '../definition.ts'
import { ipMessage } from '../formats/formats.ts'
import { isPort, portRange, subdomainName } from '../names.ts'

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
        addresses.flatMap(({ ip, nodeName }, n) => [
          ...(ip ? [] : [invalidValue(`${field}.${name}[${n}].ip`, ip ?? '', ipMessage)]),
          // Said, but empty, is not the same as not said.
          ...(nodeName === '' ? [invalidValue(`${field}.${name}[${n}].nodeName`, '', checkSubdomain('') ?? '')] : []),
        ]),
      ),
      ...(subset.ports ?? []).flatMap(({ name, port, appProtocol }, n) => [
        ...(name || subset.ports?.length === 1 ? [] : [required(`${field}.ports[${n}].name`)]),
        ...(isPort(port) ? [] : [invalidValue(`${field}.ports[${n}].port`, port, portRange)]),
        ...(appProtocol === '' ? [invalidValue(`${field}.ports[${n}].appProtocol`, '', qualifiedNameMessage)] : []),
      ]),
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

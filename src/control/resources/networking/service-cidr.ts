import { type FieldError, invalidValue, required } from '../../../api/errors.ts'
import type { IPAddress, ServiceCIDR } from '../../../api/types/index.ts'
import { familyOf, parseAddress } from '../../../ip/address.ts'
import { parseCidr } from '../../../ip/cidr.ts'
import { ageColumn, column, list, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { immutable } from '../metadata.ts'
import { subdomainName } from '../names.ts'

const mostCidrs = 2

const validateCidr = ({ spec }: ServiceCIDR): FieldError[] => {
  const cidrs = spec?.cidrs ?? []
  if (cidrs.length === 0) return [required('spec.cidrs', 'at least one CIDR required')]
  if (cidrs.length > mostCidrs) return [invalidValue('spec.cidrs', cidrs, 'may only hold up to 2 values')]
  const wrong = cidrs.flatMap((cidr, at) =>
    parseCidr(cidr)
      ? []
      : [invalidValue(`spec.cidrs[${at}]`, cidr, 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)')],
  )
  if (wrong.length > 0) return wrong
  const [first = '', second] = cidrs
  return second !== undefined && familyOf(first) === familyOf(second)
    ? [
        invalidValue(
          'spec.cidrs',
          cidrs,
          'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
        ),
      ]
    : []
}

export const serviceCIDR = define<ServiceCIDR>({
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'servicecidrs',
  singular: 'servicecidr',
  kind: 'ServiceCIDR',
  namespaced: false,
  nameRule: subdomainName,
  status: 'separate',
  generation: true,
  columns: [nameColumn, column('CIDRs', ({ spec }) => list(spec?.cidrs ?? []), 'The ranges'), ageColumn],
  validate: validateCidr,
  validateUpdate: (now, old) => immutable('spec.cidrs', now.spec?.cidrs, old.spec?.cidrs),
})

const validateAddress = ({ metadata, spec }: IPAddress): FieldError[] => {
  const parent = spec?.parentRef
  const address = parseAddress(metadata.name ?? '')
  return [
    ...(address && address.text === metadata.name
      ? []
      : [invalidValue('metadata.name', metadata.name, 'must be a valid IP address in canonical form')]),
    ...(parent
      ? [
          ...(parent.resource ? [] : [required('spec.parentRef.resource')]),
          ...(parent.name ? [] : [required('spec.parentRef.name')]),
        ]
      : [required('spec.parentRef')]),
  ]
}

const parentOf = ({ spec }: IPAddress): string => {
  const { group, resource = '', namespace, name = '' } = spec?.parentRef ?? {}
  return `${[resource, group].filter(Boolean).join('.')}/${namespace ? `${namespace}/` : ''}${name}`
}

export const ipAddress = define<IPAddress>({
  group: 'networking.k8s.io',
  version: 'v1',
  plural: 'ipaddresses',
  singular: 'ipaddress',
  kind: 'IPAddress',
  namespaced: false,
  shortNames: ['ip'],
  // The address itself, which IPv6 writes with colons.
  nameRule: { check: () => undefined },
  generation: true,
  columns: [nameColumn, column('ParentRef', parentOf, 'Who has it'), ageColumn],
  validate: validateAddress,
  validateUpdate: (now, old) => immutable('spec.parentRef', now.spec?.parentRef, old.spec?.parentRef),
})

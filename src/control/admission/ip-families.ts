/** Which IP families a Service is of, by what it asks for and what the cluster has (core/v1, dual-stack Services). Pure. */

import { type FieldError, invalidValue } from '../../api/errors.ts'
import type { ServiceSpec } from '../../api/types/index.ts'
import { type IpFamily, parseAddress } from '../../ip/address.ts'

export type FamilyPolicy = NonNullable<ServiceSpec['ipFamilyPolicy']>

export interface FamilyChoice {
  readonly families: readonly IpFamily[]
  readonly policy: FamilyPolicy
  readonly errors: readonly FieldError[]
}

const otherOf = (family: IpFamily): IpFamily => (family === 'IPv4' ? 'IPv6' : 'IPv4')

const isHeadless = ({ clusterIP, clusterIPs }: ServiceSpec): boolean => (clusterIPs?.[0] ?? clusterIP) === 'None'
const hasSelector = ({ selector }: ServiceSpec): boolean => Object.keys(selector ?? {}).length > 0

/** `clusterIPs` of a Service that is not headless; `clusterIP` counts as the first. */
export const wantedAddresses = (spec: ServiceSpec): readonly string[] =>
  isHeadless(spec) ? [] : spec.clusterIPs?.length ? spec.clusterIPs : spec.clusterIP ? [spec.clusterIP] : []

const policyOf = (spec: ServiceSpec, isAnywhere: boolean): FamilyPolicy => {
  if (spec.ipFamilyPolicy) return spec.ipFamilyPolicy
  const isDual = wantedAddresses(spec).length > 1 || (spec.ipFamilies ?? []).length > 1
  return isDual || isAnywhere ? 'RequireDualStack' : 'SingleStack'
}

const namedFamilies = (spec: ServiceSpec): readonly IpFamily[] => {
  const ofAddresses = wantedAddresses(spec).map((address) => parseAddress(address)?.family ?? 'IPv4')
  const named = spec.ipFamilies ?? []
  return named.length >= ofAddresses.length ? named : ofAddresses
}

const addressErrors = (spec: ServiceSpec, families: readonly IpFamily[]): readonly FieldError[] =>
  wantedAddresses(spec).flatMap((address, at) => {
    const family = families[at]
    return family === undefined || parseAddress(address)?.family === family
      ? []
      : [
          invalidValue(
            `spec.clusterIPs[${at}]`,
            wantedAddresses(spec),
            `expected an ${family} value as indicated by \`ipFamilies[${at}]\``,
          ),
        ]
  })

/** `available`: the cluster's families, its first one first. */
export const chooseFamilies = (spec: ServiceSpec, available: readonly IpFamily[]): FamilyChoice => {
  // Whoever writes the endpoints of such a Service may write any.
  const isAnywhere = isHeadless(spec) && !hasSelector(spec)
  const policy = policyOf(spec, isAnywhere)
  const named = namedFamilies(spec)
  const [first = available[0] ?? 'IPv4'] = named
  const canBeDual = available.length > 1 || isAnywhere
  const wantsTwo = policy === 'RequireDualStack' || (policy === 'PreferDualStack' && canBeDual)
  const families = named.length > 1 ? named : wantsTwo ? [first, otherOf(first)] : [first]
  const missing = isAnywhere ? -1 : named.findIndex((family) => !available.includes(family))
  return {
    families,
    policy,
    errors: [
      ...(missing >= 0
        ? [invalidValue(`spec.ipFamilies[${missing}]`, named[missing], 'not configured on this cluster')]
        : []),
      ...(policy === 'RequireDualStack' && !canBeDual
        ? [invalidValue('spec.ipFamilyPolicy', policy, 'this cluster is not configured for dual-stack services')]
        : []),
      ...(policy === 'SingleStack' && named.length > 1
        ? [
            invalidValue(
              'spec.ipFamilyPolicy',
              policy,
              'must be RequireDualStack or PreferDualStack when multiple ipFamilies or clusterIPs are specified',
            ),
          ]
        : []),
      ...addressErrors(spec, families),
    ],
  }
}

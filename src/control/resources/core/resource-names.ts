/** What a container may ask for, and how much of it. */

import { type FieldError, forbiddenField, invalidValue, required } from '../../../api/errors.ts'
import { isQualifiedName, qualifiedNameMessage } from '../../../api/names.ts'
import { parseQuantity } from '../../../api/quantity.ts'
import type { ResourceRequirements } from '../../../api/types/index.ts'
import { notNegativeMessage } from '../quantities.ts'

const ofContainers = ['cpu', 'memory', 'ephemeral-storage']
const ofQuotas = [
  ...['pods', 'services', 'replicationcontrollers', 'resourcequotas', 'secrets', 'configmaps'],
  ...['persistentvolumeclaims', 'services.nodeports', 'services.loadbalancers', 'storage', 'requests.storage'],
]
const amounts = ['cpu', 'memory', 'ephemeral-storage'].flatMap((name) => [`requests.${name}`, `limits.${name}`])

const isHugePages = (name: string): boolean => name.startsWith('hugepages-')

/** A name without a group that Kubernetes gave. */
export const isStandardResource = (name: string): boolean =>
  ofContainers.includes(name) ||
  ofQuotas.includes(name) ||
  amounts.includes(name) ||
  isHugePages(name) ||
  name.startsWith('requests.hugepages-')

/** What a device plugin offers: `example.com/gpu`. */
const isExtended = (name: string): boolean =>
  name.includes('/') && !name.includes('kubernetes.io/') && !name.startsWith('requests.')

/** Things that are counted, not measured. */
const isCounted = (name: string): boolean => isExtended(name) || (ofQuotas.includes(name) && !name.endsWith('storage'))

/** Of anything that can be asked for or bounded. */
export const validateResourceName = (name: string, field: string): FieldError[] => {
  if (!isQualifiedName(name)) return [invalidValue(field, name, qualifiedNameMessage)]
  return name.includes('/') || isStandardResource(name)
    ? []
    : [invalidValue(field, name, 'must be a standard resource type or fully qualified')]
}

export const validateContainerResourceName = (name: string, field: string): FieldError[] => {
  const found = validateResourceName(name, field)
  if (!name.includes('/'))
    return ofContainers.includes(name) || isHugePages(name)
      ? found
      : [...found, invalidValue(field, name, 'must be a standard resource for containers')]
  return name.includes('kubernetes.io/') || isExtended(name)
    ? found
    : [...found, invalidValue(field, name, "doesn't follow extended resource name standard")]
}

const nano = 1_000_000_000n

export const validateResourceAmount = (name: string, quantity: string | number, field: string): FieldError[] => {
  const value = parseQuantity(quantity) ?? 0n
  return [
    ...(value < 0n ? [invalidValue(field, String(quantity), notNegativeMessage)] : []),
    ...(isCounted(name) && value % nano !== 0n ? [invalidValue(field, String(quantity), 'must be an integer')] : []),
  ]
}

type Amounts = ResourceRequirements['limits']

const validateAmounts = (given: Amounts, field: string): FieldError[] =>
  Object.entries(given ?? {}).flatMap(([name, quantity]) => [
    ...validateContainerResourceName(name, `${field}[${name}]`),
    ...validateResourceAmount(name, quantity, `${field}[${name}]`),
  ])

const mayOvercommit = (name: string): boolean => !isExtended(name) && !isHugePages(name)

const validateRequest = (
  name: string,
  request: string | number,
  limit: string | number | undefined,
  field: string,
): FieldError[] => {
  if (limit === undefined)
    return mayOvercommit(name)
      ? []
      : [required(`${field}.limits`, 'Limit must be set for non overcommitable resources')]
  const [wanted, most] = [parseQuantity(request) ?? 0n, parseQuantity(limit) ?? 0n]
  const wrong = (what: string) => [
    invalidValue(`${field}.requests`, String(request), `must be ${what} ${name} limit of ${String(limit)}`),
  ]
  if (wanted !== most && !mayOvercommit(name)) return wrong('equal to')
  return wanted > most ? wrong('less than or equal to') : []
}

export const validateResources = (resources: ResourceRequirements | undefined, field: string): FieldError[] => {
  const { limits = {}, requests = {} } = resources ?? {}
  const names = [...Object.keys(limits), ...Object.keys(requests)]
  return [
    ...validateAmounts(limits, `${field}.limits`),
    ...validateAmounts(requests, `${field}.requests`),
    ...Object.entries(requests).flatMap(([name, request]) => validateRequest(name, request, limits[name], field)),
    ...(names.some(isHugePages) && !names.includes('cpu') && !names.includes('memory')
      ? [forbiddenField(field, 'HugePages require cpu or memory')]
      : []),
  ]
}

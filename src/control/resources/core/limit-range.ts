import { duplicate, type FieldError, forbiddenField, invalidValue, required } from '../../../api/errors.ts'
import { isQualifiedName, qualifiedNameMessage } from '../../../api/names.ts'
import { parseQuantity } from '../../../api/quantity.ts'
import type { StringMap } from '../../../api/types/index.ts'
import type { LimitRange, LimitRangeItem } from '../../../api/types/kubernetes/core-v1.ts'
import { createdColumn, nameColumn } from '../columns.ts'
import { define, withMetadata } from '../definition.ts'
import { subdomainName } from '../names.ts'
import { repeatedAt } from '../repeated.ts'
import { validateContainerResourceName, validateResourceName } from './resource-names.ts'

/** A container's limit is the most that it may have, its request the least or its limit, where nothing else was said. */
const withDefaults = (item: LimitRangeItem): LimitRangeItem => {
  if (item.type !== 'Container') return item
  const limits = { ...item.max, ...item.default }
  const requests = { ...item.min, ...limits, ...item.defaultRequest }
  const some = (key: 'default' | 'defaultRequest', map: StringMap) =>
    Object.keys(map).length > 0 ? { [key]: map } : {}
  return { ...item, ...some('default', limits), ...some('defaultRequest', requests) }
}

const valueOfQuantity = (text: string | undefined): bigint | undefined =>
  text === undefined ? undefined : parseQuantity(text)

/** What has to be no more than what, and of which of them that is told: the words are those of Kubernetes. */
const orders = [
  ['min', 'max', 'min'],
  ['min', 'defaultRequest', 'defaultRequest'],
  ['defaultRequest', 'max', 'defaultRequest'],
  ['defaultRequest', 'default', 'defaultRequest'],
  ['min', 'default', 'default'],
  ['default', 'max', 'default'],
] as const

const called = (key: (typeof orders)[number][number], beside: string): string => {
  if (key === 'defaultRequest') return 'default request'
  return key === 'default' && beside === 'defaultRequest' ? 'default limit' : key
}

const ratioOne = 1_000_000_000n

const validateRatio = (item: LimitRangeItem, resource: string, text: string, field: string): FieldError[] => {
  const ratio = parseQuantity(text) ?? 0n
  const [min, max] = [valueOfQuantity(item.min?.[resource]), valueOfQuantity(item.max?.[resource])]
  const isTooLarge = min !== undefined && max !== undefined && ratio * min > max * ratioOne
  return [
    ...(ratio < ratioOne ? [invalidValue(field, text, `ratio ${text} is less than 1`)] : []),
    ...(isTooLarge
      ? [invalidValue(field, text, `ratio ${text} is greater than max/min = ${(Number(max) / Number(min)).toFixed(6)}`)]
      : []),
  ]
}

const bounds = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const
const plainTypes = ['Container', 'PersistentVolumeClaim', 'Pod']

const validateType = (type: string, field: string): FieldError[] => {
  if (!isQualifiedName(type)) return [invalidValue(field, type, qualifiedNameMessage)]
  return type.includes('/') || plainTypes.includes(type)
    ? []
    : [invalidValue(field, type, 'must be a standard limit type or fully qualified')]
}

/** Of the names in an item, all that have a group are taken for granted. */
const validateNames = (item: LimitRangeItem, field: string): FieldError[] =>
  bounds.flatMap((bound) =>
    Object.keys(item[bound] ?? {}).flatMap((name) =>
      item.type === 'Pod' || item.type === 'Container'
        ? validateContainerResourceName(name, `${field}.${bound}[${name}]`)
        : validateResourceName(name, `${field}.${bound}[${name}]`),
    ),
  )

const validateItem = (item: LimitRangeItem, field: string): FieldError[] => {
  const isPod = item.type === 'Pod'
  const perPod = (['default', 'defaultRequest'] as const).filter((key) => isPod && item[key] !== undefined)
  const disordered = isPod ? orders.slice(0, 1) : orders
  return [
    ...validateType(item.type ?? '', `${field}.type`),
    ...validateNames(item, field),
    ...perPod.map((key) => forbiddenField(`${field}.${key}`, "may not be specified when `type` is 'Pod'")),
    ...(item.type === 'PersistentVolumeClaim' && !item.min?.['storage'] && !item.max?.['storage']
      ? [required(`${field}.limits`, 'either minimum or maximum storage value is required, but neither was provided')]
      : []),
    ...disordered.flatMap(([less, more, told]) =>
      Object.entries(item[less] ?? {}).flatMap(([resource, text]) => {
        const [small, large] = [valueOfQuantity(text), valueOfQuantity(item[more]?.[resource])]
        if (small === undefined || large === undefined || small <= large) return []
        const [a, b] = [called(less, more), called(more, less)]
        return [
          invalidValue(
            `${field}.${told}[${resource}]`,
            item[told]?.[resource],
            `${a} value ${text} is greater than ${b} value ${item[more]?.[resource]}`,
          ),
        ]
      }),
    ),
    ...Object.entries(item.maxLimitRequestRatio ?? {}).flatMap(([resource, text]) =>
      validateRatio(item, resource, text, `${field}.maxLimitRequestRatio[${resource}]`),
    ),
  ]
}

export const limitRange = define<LimitRange>({
  group: '',
  version: 'v1',
  plural: 'limitranges',
  singular: 'limitrange',
  kind: 'LimitRange',
  namespaced: true,
  shortNames: ['limits'],
  nameRule: subdomainName,
  columns: [nameColumn, createdColumn],
  defaults: (each) => ({ ...each, spec: { ...each.spec, limits: each.spec.limits.map(withDefaults) } }),
  // One without a name has the name of its uid.
  onCreate: (each) => withMetadata(each, { name: each.metadata.name || (each.metadata.uid ?? '') }),
  validate: ({ spec: { limits } }) => [
    ...repeatedAt(limits.map(({ type }) => type)).map((at) => duplicate(`spec.limits[${at}].type`, limits[at]?.type)),
    ...limits.flatMap((item, at) => validateItem(item, `spec.limits[${at}]`)),
  ],
})

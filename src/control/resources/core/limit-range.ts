import { duplicate, type FieldError, forbiddenField, invalidValue, required } from '../../../api/errors.ts'
import { parseQuantity } from '../../../api/quantity.ts'
import type { StringMap } from '../../../api/types/index.ts'
import type { LimitRange, LimitRangeItem } from '../../../api/types/kubernetes/core-v1.ts'
import { createdColumn, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { subdomainName } from '../names.ts'
import { repeatedAt } from '../repeated.ts'
import { unattended } from '../unattended.ts'

/** A container's limit is the most that it may have, its request the least or its limit, where nothing else was said. */
const withDefaults = (item: LimitRangeItem): LimitRangeItem => {
  if (item.type !== 'Container') return item
  const limits = { ...item.max, ...item.default }
  const requests = { ...limits, ...item.min, ...item.defaultRequest }
  const some = (key: 'default' | 'defaultRequest', map: StringMap) =>
    Object.keys(map).length > 0 ? { [key]: map } : {}
  return { ...item, ...some('default', limits), ...some('defaultRequest', requests) }
}

const valueOfQuantity = (text: string | undefined): bigint | undefined =>
  text === undefined ? undefined : parseQuantity(text)

/** What has to be no more than what: the words are those of Kubernetes. */
const orders = [
  ['min', 'max'],
  ['defaultRequest', 'max'],
  ['default', 'max'],
  ['min', 'defaultRequest'],
  ['min', 'default'],
  ['defaultRequest', 'default'],
] as const

const called = { min: 'min', max: 'max', default: 'default', defaultRequest: 'default request' } as const

const validateItem = (item: LimitRangeItem, field: string): FieldError[] => {
  const isPod = item.type === 'Pod'
  const perPod = (['default', 'defaultRequest'] as const).filter((key) => isPod && item[key] !== undefined)
  const disordered = isPod ? orders.slice(0, 1) : orders
  return [
    ...(item.type ? [] : [required(`${field}.type`)]),
    ...perPod.map((key) => forbiddenField(`${field}.${key}`, "may not be specified when `type` is 'Pod'")),
    ...(item.type === 'PersistentVolumeClaim' && !item.min?.['storage'] && !item.max?.['storage']
      ? [required(`${field}.limits`, 'either minimum or maximum storage value is required, but neither was provided')]
      : []),
    ...disordered.flatMap(([less, more]) =>
      Object.entries(item[less] ?? {}).flatMap(([resource, text]) => {
        const [small, large] = [valueOfQuantity(text), valueOfQuantity(item[more]?.[resource])]
        if (small === undefined || large === undefined || small <= large) return []
        return [
          invalidValue(
            `${field}.${less}[${resource}]`,
            text,
            `${called[less]} value ${text} is greater than ${called[more]} value ${item[more]?.[resource]}`,
          ),
        ]
      }),
    ),
    ...Object.entries(item.maxLimitRequestRatio ?? {}).flatMap(([resource, text]) =>
      (parseQuantity(text) ?? 0n) < 1_000_000_000n
        ? [invalidValue(`${field}.maxLimitRequestRatio[${resource}]`, text, `ratio ${text} is less than 1`)]
        : [],
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
  warnings: unattended('no limits are set or held'),
  columns: [nameColumn, createdColumn],
  defaults: (each) => ({ ...each, spec: { ...each.spec, limits: each.spec.limits.map(withDefaults) } }),
  validate: ({ spec: { limits } }) => [
    ...repeatedAt(limits.map(({ type }) => type)).map((at) => duplicate(`spec.limits[${at}].type`, limits[at]?.type)),
    ...limits.flatMap((item, at) => validateItem(item, `spec.limits[${at}]`)),
  ],
})

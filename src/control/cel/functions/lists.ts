/** Lists: Kubernetes' own functions, and CEL's sets. */
import type { Environment } from '@marcbachmann/cel-js'
import { compare, isEqual } from './values.ts'

type List = readonly unknown[]

const isSorted = (list: List): boolean => list.every((item, at) => at === 0 || compare(list[at - 1], item) <= 0)

const sum = (list: List): unknown => {
  const [first] = list
  if (typeof first === 'number') return list.reduce<number>((total, item) => total + Number(item), 0)
  return list.reduce<bigint>((total, item) => total + (typeof item === 'bigint' ? item : BigInt(Number(item))), 0n)
}

const extreme =
  (name: string, sign: number) =>
  (list: List): unknown => {
    if (list.length === 0) throw new Error(`${name} called on empty list`)
    return list.reduce((best, item) => (compare(item, best) * sign > 0 ? item : best))
  }

const indexOf = (list: List, wanted: unknown): bigint => BigInt(list.findIndex((item) => isEqual(item, wanted)))
const lastIndexOf = (list: List, wanted: unknown): bigint => BigInt(list.findLastIndex((item) => isEqual(item, wanted)))

const has = (list: List, wanted: unknown): boolean => list.some((item) => isEqual(item, wanted))
const contains = (list: List, part: List): boolean => part.every((item) => has(list, item))

/** `sets.contains(a, b)` is a method of this constant. */
class Sets {}

const addSets = (env: Environment): Environment =>
  env
    .registerType('k8s.Sets', { ctor: Sets, fields: {} })
    .registerConstant('sets', 'k8s.Sets', new Sets())
    .registerFunction('k8s.Sets.contains(list<dyn>, list<dyn>): bool', (_: Sets, a: List, b: List) => contains(a, b))
    .registerFunction(
      'k8s.Sets.equivalent(list<dyn>, list<dyn>): bool',
      (_: Sets, a: List, b: List) => contains(a, b) && contains(b, a),
    )
    .registerFunction('k8s.Sets.intersects(list<dyn>, list<dyn>): bool', (_: Sets, a: List, b: List) =>
      a.some((item) => has(b, item)),
    )

export const addLists = (env: Environment): Environment =>
  addSets(
    env
      .registerFunction('list<dyn>.isSorted(): bool', isSorted)
      .registerFunction('list<dyn>.sum(): dyn', sum)
      .registerFunction('list<dyn>.min(): dyn', extreme('min', -1))
      .registerFunction('list<dyn>.max(): dyn', extreme('max', 1))
      .registerFunction('list<dyn>.indexOf(dyn): int', indexOf)
      .registerFunction('list<dyn>.lastIndexOf(dyn): int', lastIndexOf),
  )

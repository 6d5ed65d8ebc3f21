/** `quantity("500m")` and arithmetic with it. */
import type { Environment } from '@marcbachmann/cel-js'
import { parseQuantity } from '../../../api/quantity.ts'

const nano = 1_000_000_000n

class CelQuantity {
  /** In billionths. */
  readonly nanos: bigint

  constructor(nanos: bigint) {
    this.nanos = nanos
  }
}

const longest = 64

const parse = (text: string): CelQuantity | undefined => {
  const nanos = text.length <= longest ? parseQuantity(text) : undefined
  return nanos === undefined ? undefined : new CelQuantity(nanos)
}

const quantityOf = (text: string): CelQuantity => {
  const found = parse(text)
  if (!found)
    throw new Error(`quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`)
  return found
}

const isInteger = ({ nanos }: CelQuantity): boolean => {
  const whole = nanos / nano
  return nanos % nano === 0n && whole >= -(2n ** 63n) && whole < 2n ** 63n
}

const asInteger = (own: CelQuantity): bigint => {
  if (!isInteger(own)) throw new Error('cannot convert value to integer')
  return own.nanos / nano
}

const sign = (value: bigint): bigint => (value > 0n ? 1n : value < 0n ? -1n : 0n)

const type = 'kubernetes.Quantity'

export const addQuantities = (env: Environment): Environment =>
  env
    .registerType(type, { ctor: CelQuantity, fields: {} })
    .registerFunction(`quantity(string): ${type}`, quantityOf)
    .registerFunction('isQuantity(string): bool', (text: string) => parse(text) !== undefined)
    .registerFunction(`${type}.sign(): int`, ({ nanos }: CelQuantity) => sign(nanos))
    .registerFunction(`${type}.isInteger(): bool`, isInteger)
    .registerFunction(`${type}.asInteger(): int`, asInteger)
    .registerFunction(`${type}.asApproximateFloat(): double`, ({ nanos }: CelQuantity) => Number(nanos) / Number(nano))
    .registerFunction(
      `${type}.add(${type}): ${type}`,
      (a: CelQuantity, b: CelQuantity) => new CelQuantity(a.nanos + b.nanos),
    )
    .registerFunction(`${type}.add(int): ${type}`, (a: CelQuantity, b: bigint) => new CelQuantity(a.nanos + b * nano))
    .registerFunction(
      `${type}.sub(${type}): ${type}`,
      (a: CelQuantity, b: CelQuantity) => new CelQuantity(a.nanos - b.nanos),
    )
    .registerFunction(`${type}.sub(int): ${type}`, (a: CelQuantity, b: bigint) => new CelQuantity(a.nanos - b * nano))
    .registerFunction(`${type}.isGreaterThan(${type}): bool`, (a: CelQuantity, b: CelQuantity) => a.nanos > b.nanos)
    .registerFunction(`${type}.isLessThan(${type}): bool`, (a: CelQuantity, b: CelQuantity) => a.nanos < b.nanos)
    .registerFunction(`${type}.compareTo(${type}): int`, (a: CelQuantity, b: CelQuantity) => sign(a.nanos - b.nanos))
    .registerOperator(`${type} == ${type}`, (a: CelQuantity, b: CelQuantity) => a.nanos === b.nanos)

/** Numbers and quantities that may not be less than nothing. */
import { type FieldError, invalidValue } from '../../api/errors.ts'
import { parseQuantity } from '../../api/quantity.ts'

/** As Kubernetes says it. */
export const notNegativeMessage = 'must be greater than or equal to 0'

/** A number that may be missing. */
export const atLeastZero = (value: number | undefined, field: string): FieldError[] =>
  value !== undefined && value < 0 ? [invalidValue(field, value, notNegativeMessage)] : []

/** A quantity that may be missing. */
export const notNegative = (field: string, quantity: string | undefined): FieldError[] =>
  quantity !== undefined && (parseQuantity(quantity) ?? 0n) < 0n
    ? [invalidValue(field, quantity, notNegativeMessage)]
    : []

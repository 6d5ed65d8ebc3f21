import { type FieldError, invalidValue } from '../../api/errors.ts'
import { parseQuantity } from '../../api/quantity.ts'

/** A quantity that may be missing. */
export const notNegative = (field: string, quantity: string | undefined): FieldError[] =>
  quantity !== undefined && (parseQuantity(quantity) ?? 0n) < 0n
    ? [invalidValue(field, quantity, 'must be greater than or equal to 0')]
    : []

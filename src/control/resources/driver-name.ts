import { type FieldError, invalidValue, required, tooLong } from '../../api/errors.ts'
import { checkSubdomain } from '../../api/names.ts'

const limit = 63

/** The name by which a CSI driver is known to all. */
export const validateDriverName = (name: string, field: string): FieldError[] => {
  const message = checkSubdomain(name.toLowerCase())
  return [
    ...(name === '' ? [required(field)] : []),
    ...(name.length > limit ? [tooLong(field, limit)] : []),
    ...(message === undefined ? [] : [invalidValue(field, name, message)]),
  ]
}

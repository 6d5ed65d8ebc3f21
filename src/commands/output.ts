/** What commands print for scripts. */
import { jsonText } from '../host/json-text.ts'
import { UsageError } from './usage-error.ts'

/** Throws for a format that is not known. */
export const checkOutput = (output: string | undefined): void => {
  if (output !== undefined && output !== 'json') throw new UsageError(`-o ${output}: only json is known`)
}

export const printJson = (value: object): void => console.log(jsonText(value, 2))

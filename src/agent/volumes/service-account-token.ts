/** A token's part in projected volumes. Pure. */
import type { JsonObject } from '../../api/json.ts'
import { textIn } from './fields.ts'
import type { TokenSource } from './file-source.ts'

const defaultSeconds = 3600

export const tokenSource = (value: JsonObject): TokenSource => {
  const seconds = value['expirationSeconds']
  return {
    ...{ kind: 'token', path: textIn(value, 'path'), audience: textIn(value, 'audience') },
    seconds: typeof seconds === 'number' ? seconds : defaultSeconds,
  }
}

/** JSON that others have written. Pure. */
import { isJsonObject, type JsonObject } from '../api/json.ts'

/** Throws what `failure` makes for what is none. */
export const jsonIn = (bytes: Buffer, failure: () => Error): unknown => {
  try {
    return JSON.parse(bytes.toString('utf8'))
  } catch {
    throw failure()
  }
}

/** Throws what `wrong` makes of what is wrong. */
export const objectIn = (bytes: Buffer, wrong: (what: string) => Error): JsonObject => {
  const parsed = jsonIn(bytes, () => wrong('it is no JSON'))
  if (!isJsonObject(parsed)) throw wrong('it is no object')
  return parsed
}

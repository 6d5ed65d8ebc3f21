/** Reading what the API says of a volume, which nobody has parsed before. Pure. */
import { isJsonObject, type JsonObject } from '../../api/json.ts'

export const textIn = (value: JsonObject, field: string): string => {
  const found = value[field]
  return typeof found === 'string' ? found : ''
}

export const listIn = (value: JsonObject, field: string): readonly JsonObject[] | undefined => {
  const found = value[field]
  return Array.isArray(found) ? found.filter(isJsonObject) : undefined
}

export const modeIn = (value: JsonObject, field: string): { readonly mode?: number } => {
  const mode = value[field]
  return typeof mode === 'number' ? { mode: mode & 0o777 } : {}
}

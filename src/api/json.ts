/** What JSON is made of. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Neither null nor a list. */
export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

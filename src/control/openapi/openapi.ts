/** OpenAPI of the kinds that there are, kept until they change. */
import type { Registry } from '../registry/registry.ts'
import type { OpenApiPart } from './merge.ts'
import { type OpenApiBytes, type OpenApiForm, openApiV2 } from './v2.ts'
import { createOpenApiV3, type OpenApiV3 } from './v3.ts'

export interface OpenApi {
  /** The one document of `/openapi/v2`, as the Accept header asks. */
  v2(accept: string): Promise<OpenApiBytes>
  readonly v3: OpenApiV3
}

/** `others`: what API servers behind this one say of their kinds; the same parts as long as they say the same. */
export const createOpenApi = (
  registry: Registry,
  version: string,
  others: () => Promise<readonly OpenApiPart[]> = async () => [],
): OpenApi => {
  const v2 = new Map<OpenApiForm, { readonly parts: readonly OpenApiPart[]; readonly bytes: OpenApiBytes }>()
  let v3: OpenApiV3 | undefined
  registry.subscribe(() => {
    v2.clear()
    v3 = undefined
  })
  return {
    v2: async (accept) => {
      // Whoever can read protobuf asks for it by name.
      const form = accept.includes('protobuf') ? 'protobuf' : 'json'
      const parts = await others()
      const known = v2.get(form)
      if (known && known.parts.length === parts.length && parts.every((part, at) => part === known.parts[at]))
        return known.bytes
      const bytes = openApiV2(registry.definitions, version, form, parts)
      v2.set(form, { parts, bytes })
      return bytes
    },
    get v3() {
      v3 ??= createOpenApiV3(registry.definitions, version)
      return v3
    },
  }
}

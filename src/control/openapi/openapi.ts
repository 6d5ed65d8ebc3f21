/** OpenAPI of the kinds that there are, kept until they change. */
import type { Registry } from '../registry/registry.ts'
import { type OpenApiBytes, type OpenApiForm, openApiV2 } from './v2.ts'
import { createOpenApiV3, type OpenApiV3 } from './v3.ts'

export interface OpenApi {
  /** The one document of `/openapi/v2`, as the Accept header asks. */
  v2(accept: string): OpenApiBytes
  readonly v3: OpenApiV3
}

export const createOpenApi = (registry: Registry, version: string): OpenApi => {
  const v2 = new Map<OpenApiForm, OpenApiBytes>()
  let v3: OpenApiV3 | undefined
  registry.subscribe(() => {
    v2.clear()
    v3 = undefined
  })
  return {
    v2: (accept) => {
      // Whoever can read protobuf asks for it by name.
      const form = accept.includes('protobuf') ? 'protobuf' : 'json'
      const known = v2.get(form) ?? openApiV2(registry.definitions, version, form)
      v2.set(form, known)
      return known
    },
    get v3() {
      v3 ??= createOpenApiV3(registry.definitions, version)
      return v3
    },
  }
}

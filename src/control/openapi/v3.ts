/** OpenAPI v3, one document for each group version, as kubectl 1.27 and newer read it. */
import { createHash } from 'node:crypto'
import { noSuchPath } from '../../api/errors.ts'
import { apiVersionOf, type ResourceDefinition, schemaTypeOf } from '../resources/definition.ts'
import { publicNameOf } from '../schema/types.ts'
import { type JsonSchema, patchTypesOf, pathsOf, reachable, schemaOfType } from './json-schema.ts'

const render = ({ ref, items, additionalProperties, properties, extensions, ...rest }: JsonSchema): unknown => ({
  ...rest,
  ...(ref ? { allOf: [{ $ref: `#/components/schemas/${publicNameOf(ref)}` }] } : {}),
  ...(items ? { items: render(items) } : {}),
  ...(additionalProperties ? { additionalProperties: render(additionalProperties) } : {}),
  ...(properties
    ? { properties: Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, render(value)])) }
    : {}),
  ...extensions,
})

const query = (name: string, description: string) => ({
  name,
  in: 'query',
  description,
  schema: { type: 'string', uniqueItems: true },
})

const writeParameters = [
  query('dryRun', '"All": check the request and answer as if, but change nothing'),
  query('fieldManager', 'who makes the change'),
  query('fieldValidation', 'Ignore, Warn (the default) or Strict: what to do about unknown fields'),
]

const operation = (definition: ResourceDefinition, action: string, more: object = {}) => {
  const { group, version, kind } = definition
  const schema = { $ref: `#/components/schemas/${publicNameOf(schemaTypeOf(definition))}` }
  return {
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group, version, kind },
    responses: { 200: { description: 'OK', content: { 'application/json': { schema } } } },
    ...more,
  }
}

const body = (definition: ResourceDefinition) => ({
  requestBody: {
    content: {
      'application/json': { schema: { $ref: `#/components/schemas/${publicNameOf(schemaTypeOf(definition))}` } },
    },
  },
  parameters: writeParameters,
})

const pathItems = (definition: ResourceDefinition): readonly (readonly [string, unknown])[] => {
  const { collection, object } = pathsOf(definition)
  const patch = {
    requestBody: {
      content: Object.fromEntries(patchTypesOf(definition).map((type) => [type, { schema: { type: 'object' } }])),
    },
    parameters: writeParameters,
  }
  return [
    [
      collection,
      {
        get: operation(definition, 'list'),
        post: operation(definition, 'post', body(definition)),
        delete: operation(definition, 'deletecollection'),
      },
    ],
    [
      object,
      {
        get: operation(definition, 'get'),
        put: operation(definition, 'put', body(definition)),
        patch: operation(definition, 'patch', patch),
        delete: operation(definition, 'delete'),
      },
    ],
  ]
}

const pathOf = (groupVersion: string): string =>
  groupVersion.includes('/') ? `apis/${groupVersion}` : `api/${groupVersion}`

export interface OpenApiV3 {
  /** What `/openapi/v3` answers: where each group version's document is. */
  index(): unknown
  /** The document at `api/v1`, `apis/apps/v1`, … as JSON text. Throws NotFound. */
  document(path: string): string
}

/** Documents are made when first asked for. */
export const createOpenApiV3 = (definitions: readonly ResourceDefinition[], version: string): OpenApiV3 => {
  const groupVersions = new Map(definitions.map((definition) => [pathOf(apiVersionOf(definition)), definition]))
  const made = new Map<string, string>()

  const build = (path: string): string => {
    const served = definitions.filter((definition) => pathOf(apiVersionOf(definition)) === path)
    if (served.length === 0) throw noSuchPath()
    const types = reachable(served.map(schemaTypeOf))
    return JSON.stringify({
      openapi: '3.0.0',
      info: { title: 'Podway', version },
      paths: Object.fromEntries(served.flatMap(pathItems)),
      components: {
        schemas: Object.fromEntries(types.map((type) => [publicNameOf(type), render(schemaOfType(type))])),
      },
    })
  }

  return {
    index: () => ({
      paths: Object.fromEntries(
        [...groupVersions.keys()].map((path) => {
          const hash = createHash('sha256').update(`${version} ${path}`).digest('hex').toUpperCase()
          return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }]
        }),
      ),
    }),
    document: (path) => {
      const known = made.get(path) ?? build(path)
      made.set(path, known)
      return known
    },
  }
}

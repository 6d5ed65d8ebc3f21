/** OpenAPI v3, one document for each group version, as kubectl 1.27 and newer read it. */
import { createHash } from 'node:crypto'
import { noSuchPath } from '../../api/errors.ts'
import { apiVersionOf, type ResourceDefinition } from '../resources/definition.ts'
import { patchTypesOf, pathsOf, schemaNameOf, schemasOf } from './json-schema.ts'

const refer = (name: string) => ({ allOf: [{ $ref: `#/components/schemas/${name}` }] })

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
  const schema = { $ref: `#/components/schemas/${schemaNameOf(definition)}` }
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
      'application/json': { schema: { $ref: `#/components/schemas/${schemaNameOf(definition)}` } },
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
  index(): { readonly paths: Readonly<Record<string, unknown>> }
  /** The document at `api/v1`, `apis/apps/v1`, … as JSON text. Throws NotFound. */
  document(path: string): string
}

/** The documents of the kinds that there are. They are made when first asked for. */
export const createOpenApiV3 = (definitions: readonly ResourceDefinition[], version: string): OpenApiV3 => {
  const served = Map.groupBy(definitions, (definition) => pathOf(apiVersionOf(definition)))
  const made = new Map<string, string>()
  let index: ReturnType<OpenApiV3['index']> | undefined

  const build = (path: string): string => {
    const own = served.get(path)
    if (!own) throw noSuchPath()
    return JSON.stringify({
      openapi: '3.0.0',
      info: { title: 'Podway', version },
      paths: Object.fromEntries(own.flatMap(pathItems)),
      components: { schemas: schemasOf(own, definitions, refer) },
    })
  }

  /** Changes with what the document says: clients keep documents by it. */
  const hashOf = (path: string, own: readonly ResourceDefinition[]): string => {
    const schemas = own.map(({ plural, schema }) => [plural, schema?.published])
    return createHash('sha256')
      .update(`${version} ${path} ${JSON.stringify(schemas)}`)
      .digest('hex')
      .toUpperCase()
  }

  const buildIndex = () => ({
    paths: Object.fromEntries(
      [...served].map(([path, own]) => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hashOf(path, own)}` }]),
    ),
  })

  return {
    index: () => {
      index ??= buildIndex()
      return index
    },
    document: (path) => {
      const known = made.get(path) ?? build(path)
      made.set(path, known)
      return known
    },
  }
}

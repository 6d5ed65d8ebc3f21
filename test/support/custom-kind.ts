/** A CustomResourceDefinition of tests, and what is done with its objects. */
import type { ControlPlane } from './control-plane.ts'
import { until } from './until.ts'

export const definitionsPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

type Content = Readonly<Record<string, unknown>>

/** `tables.example.com` in `v1`, with that schema of its spec. `more`: of the version; `spec`: of the definition. */
export const tableDefinition = (properties: Content, more: Content = {}, spec: Content = {}) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'tables.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'tables', singular: 'table', kind: 'Table', shortNames: ['tb'], categories: ['all'] },
    versions: [
      {
        ...{ name: 'v1', served: true, storage: true },
        schema: {
          openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } },
        },
        ...more,
      },
    ],
    ...spec,
  },
})

export const tablesPath = '/apis/example.com/v1/namespaces/default/tables'

/** Makes the definition and waits until its kind is served. */
export const defineKind = async (plane: ControlPlane, definition: object): Promise<void> => {
  const { code, body } = await plane.request('POST', definitionsPath, { body: definition })
  if (code !== 201) throw new Error(`${code} ${JSON.stringify(body['message'])}`)
  const name = String(body['metadata']?.['name'])
  await until(async () => {
    const { body: now } = await plane.request('GET', `${definitionsPath}/${name}`)
    return JSON.stringify(now['status']).includes('"InitialNamesAccepted"')
  }, `${name} to be established`)
}

/** One object of a kind behind the API: made, shown, changed, refused. */
import { servedDefinitions } from '../../src/control/registry/registry.ts'
import { apiVersionOf } from '../../src/control/resources/definition.ts'
import { createTestApi, type Json, type TestApi } from './api-server.ts'
import { collectionOf } from './kind-cases.ts'

/** `spec.replicas FieldValueInvalid`, for each thing that an answer says is wrong. */
export const causes = (body: Json): readonly string[] =>
  [...((body['details']?.['causes'] ?? []) as unknown as Json[])].map(({ field, reason }) => `${field} ${reason}`)

export interface KindCase {
  readonly api: TestApi
  readonly body: Json
  /** The object's path, below its collection. */
  readonly path: string
  /** What `kubectl get -o wide` shows of it, by the names of the columns. */
  row(): Promise<Readonly<Record<string, unknown>>>
  patch(change: object, subresource?: string): ReturnType<TestApi['request']>
}

/** The path of `apps/v1 deployments`, in the namespace `default` when the kind has one. */
const pathOf = (collection: string): string => {
  const row = servedDefinitions.find((each) => `${apiVersionOf(each)} ${each.plural}` === collection)
  if (!row) throw new Error(`nothing is served as ${collection}`)
  return collectionOf(row)
}

/** `collection`: `apps/v1 deployments`. Makes an object named `x`; throws when the answer has another code than `wanted`. */
export const createCase = async (collection: string, content: object, wanted = 201): Promise<KindCase> => {
  const api = await createTestApi()
  const all = pathOf(collection)
  const path = `${all}/x`
  const { code, body } = await api.request('POST', all, { body: { metadata: { name: 'x' }, ...content } })
  if (code !== wanted) throw new Error(`${code} ${JSON.stringify(body)}`)
  return {
    api,
    body,
    path,
    row: async () => {
      const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
      const { body: table } = await api.request('GET', all, { accept })
      const columns = [...(table['columnDefinitions'] as unknown as Json[])].map(({ name }) => String(name))
      const [first] = table['rows'] as unknown as Json[]
      const cells = first?.['cells'] as unknown as readonly unknown[]
      return Object.fromEntries(columns.map((name, at) => [name, cells[at]]))
    },
    patch: (change, subresource) =>
      api.request('PATCH', subresource ? `${path}/${subresource}` : path, {
        body: change,
        contentType: 'application/merge-patch+json',
      }),
  }
}

/** The columns of a kind: `name type format priority`. */
export const columnsOf = async (collection: string): Promise<readonly string[]> => {
  const accept = 'application/json;as=Table;v=v1;g=meta.k8s.io'
  const { body } = await (await createTestApi()).request('GET', pathOf(collection), { accept })
  return [...(body['columnDefinitions'] as unknown as Json[])].map(
    ({ name, type, format, priority }) => `${name} ${type} ${format || '-'} ${priority}`,
  )
}

export type Refusal = readonly [content: object, ...causes: readonly string[]]

/** What each of these objects is refused for. */
export const refusals = async (
  collection: string,
  cases: readonly Refusal[],
): Promise<readonly (readonly string[])[]> => {
  const told: (readonly string[])[] = []
  for (const [content] of cases) told.push(causes((await createCase(collection, content, 422)).body))
  return told
}

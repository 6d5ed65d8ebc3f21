/** What a kind makes of what users send: one object at a time, or as cases of defaults, refusals, changes and the row of its table. */
import type { Test } from 'tap'
import { definitions, servedDefinitions } from '../../src/control/registry/registry.ts'
import { apiVersionOf, type ResourceDefinition } from '../../src/control/resources/definition.ts'
import { createTestApi, type Json, type TestApi } from './api-server.ts'
import { validObject } from './valid-objects.ts'

/** The lines of an Invalid answer: `spec.a: Required value`. */
export const causesOf = (body: Json): readonly string[] =>
  [...((body['details']?.['causes'] ?? []) as unknown as Json[])].map(({ field, message }) => `${field}: ${message}`)

export const kindNamed = (name: string, group?: string): ResourceDefinition => {
  const found = definitions.find(({ kind, ...row }) => kind === name && (group === undefined || row.group === group))
  if (!found) throw new Error(`no kind ${name}`)
  return found
}

export const collectionOf = (row: ResourceDefinition): string => {
  const root = row.group === '' ? '/api/v1' : `/apis/${apiVersionOf(row)}`
  return `${root}/${row.namespaced ? 'namespaces/default/' : ''}${row.plural}`
}

/** `spec.replicas FieldValueInvalid`, for each thing that an answer says is wrong. */
export const reasonsOf = (body: Json): readonly string[] =>
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
  for (const [content] of cases) told.push(reasonsOf((await createCase(collection, content, 422)).body))
  return told
}

export interface KindCases {
  readonly kind: string
  /** What is sent, beside metadata, and what becomes of it. */
  readonly created: readonly (readonly [sent: object, kept: object])[]
  /** What is sent, and the causes; a pattern stands for a long message. */
  readonly refused: readonly (readonly [sent: object, causes: readonly (string | RegExp)[]])[]
  /** Merge patches to the valid object, and the causes: none for what is accepted. */
  readonly changed: readonly (readonly [patch: object, causes: readonly (string | RegExp)[]])[]
  /** Of the valid object. */
  readonly cells: readonly unknown[]
}

const contentOf = ({ body }: { readonly body: Json }): Readonly<Record<string, unknown>> => {
  const { apiVersion: _, kind: __, metadata: ___, ...content } = body as unknown as Record<string, unknown>
  return content
}

const merge = 'application/merge-patch+json'
const asTable = 'application/json;as=Table;g=meta.k8s.io;v=v1'

export const testKind =
  ({ kind, created, refused, changed, cells }: KindCases) =>
  async (t: Test) => {
    const row = kindNamed(kind)
    const path = collectionOf(row)
    const send = (api: TestApi, name: string, content: object) =>
      api.request('POST', path, { body: { metadata: { name }, ...content } })
    const api = await createTestApi()
    for (const [at, [sent, kept]] of created.entries()) {
      const made = await send(api, `made-${at}`, sent)
      t.equal(made.code, 201, String(made.body['message']))
      t.strictSame(contentOf(made), kept)
    }
    for (const [sent, causes] of refused) {
      const { body } = await send(api, 'refused', sent)
      t.match(causesOf(body), causes, JSON.stringify(sent).slice(0, 100))
      t.equal(causesOf(body).length, causes.length, causesOf(body).join('\n'))
    }
    const base = await api.request('POST', path, { body: validObject(row, 'base') })
    const table = await api.request('GET', `${path}/base`, { accept: asTable })
    t.strictSame(table.body['rows']?.[0]?.['cells'], cells)
    for (const [patch, causes] of changed) {
      const { code, body } = await api.request('PATCH', `${path}/base`, { body: patch, contentType: merge })
      t.equal(code, causes.length === 0 ? 200 : 422, `${JSON.stringify(patch)}: ${body['message']}`)
      t.match(causesOf(body), causes)
    }
    const { metadata: _, ...given } = validObject(row, 'base')
    const put = await api.request('PUT', `${path}/base`, { body: { metadata: { name: 'base' }, ...given } })
    if (row.updateNeedsVersion)
      t.strictSame(causesOf(put.body), ['metadata.resourceVersion: Invalid value: 0: must be specified for an update'])
    else t.equal(put.code, 200, `${base.code} ${put.body['message']}`)
  }

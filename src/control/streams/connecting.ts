/** What is connected through this server is asked of admission first: with the options of the connection, as an object. */
import type { KubeObject } from '../../api/types/index.ts'
import type { ObjectType } from '../objects/admission.ts'
import type { Objects } from '../objects/objects.ts'
import { isSet } from '../request/request-info.ts'
import type { ResourceDefinition } from '../resources/definition.ts'
import type { Answer, Call } from '../server/call.ts'
import { readTyped } from '../server/input.ts'
import type { SubresourceHandler } from '../server/resources.ts'
import { admittedRequest } from '../server/write-options.ts'

type Connect<T> = (
  call: Call,
  request: Parameters<SubresourceHandler>[1],
  definition: ResourceDefinition,
  options: T,
) => Promise<Answer>

/** PodExecOptions and the like: how a query, or a path, is one of them. */
export interface ConnectionKind {
  readonly kind: string
  read(call: Call): Readonly<Record<string, unknown>>
}

/** The flags of a query that are set. */
export const flags = (query: URLSearchParams, ...names: readonly string[]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(names.filter((name) => isSet(query, name)).map((name) => [name, true]))

/** `connect` gets the options as admission has left them. */
export const connecting =
  <T>(
    objects: Pick<Objects, 'admit'>,
    { kind, read }: ConnectionKind,
    connect: Connect<T & KubeObject>,
  ): SubresourceHandler =>
  async (call, request, definition) => {
    const type: ObjectType = { kind, apiVersion: 'v1', schemaType: `core/v1.${kind}` }
    const asked = { kind, apiVersion: 'v1', ...read(call) }
    const { object } = await admittedRequest(objects, call, request, definition, {
      ...{ operation: 'connect', type, object: readTyped(asked, type, call.query).object },
    })
    return connect(call, request, definition, object as T & KubeObject)
  }

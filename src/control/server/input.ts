/** Bodies of write requests as objects of their kind. */
import { badRequest } from '../../api/errors.ts'
import { goQuote } from '../../api/go-quote.ts'
import type { KubeObject } from '../../api/types/index.ts'
import {
  apiVersionOf,
  decodeAs,
  kindOf,
  prepared,
  type ResourceDefinition,
  schemaTypeOf,
  toStored,
} from '../resources/definition.ts'
import { repeatedAt } from '../resources/repeated.ts'
import { type Decoded, decode } from '../schema/decode.ts'
import { typeNamed } from '../schema/types.ts'
import { repeatedIn } from './body/repeated.ts'

export interface Input {
  readonly object: KubeObject
  readonly warnings: readonly string[]
}

interface Expected {
  readonly kind: string
  /** Missing: those of all groups will do. */
  readonly apiVersion?: string
  /** Empty for a kind with a schema of its own. */
  readonly schemaType: string
}

type Typed = Expected & { readonly apiVersion: string }

const textLimit = 256

const textOf = (value: unknown, field: string): string => {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string' || value.length > textLimit)
    throw badRequest(`${field} of the body is not a short text`)
  return value
}

const summaryLimit = 30
const scheme = 'k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30'

/** A built-in kind has been sent something else: what that is, in the words of Kubernetes. */
const checkRegistered = (body: object, { kind, apiVersion }: Typed, givenKind: string, givenVersion: string): void => {
  const parts = givenVersion.split('/')
  if (parts.length > 2) {
    const text = JSON.stringify(body)
    const summary = text.length > summaryLimit ? `${text.slice(0, summaryLimit)} ...` : text
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind}): unexpected GroupVersion string: ${givenVersion} (${summary})`,
    )
  }
  if (givenKind === '' || (givenKind === kind && (givenVersion === '' || givenVersion === apiVersion))) return
  const groupVersion = givenVersion || apiVersion
  const version = groupVersion.split('/').at(-1)
  const wrong = (why: string) =>
    badRequest(`${givenKind} in version ${goQuote(version ?? '')} cannot be handled as a ${kind}: ${why}`)
  if (!typeNamed(groupVersion, givenKind.replace(/List$/, '')))
    throw wrong(
      `no kind ${goQuote(givenKind)} is registered for version ${goQuote(groupVersion)} in scheme "${scheme}"`,
    )
  const internal = apiVersion.includes('/') ? apiVersion.split(/[./]/)[0] : 'core'
  if (givenKind !== kind)
    throw wrong(`converting (${version}.${givenKind}) to (${internal}.${kind}): unknown conversion`)
}

const isTyped = (expected: Expected): expected is Typed =>
  expected.apiVersion !== undefined && expected.schemaType !== ''

const checkType = (body: unknown, expected: Expected): void => {
  const { kind, apiVersion } = expected
  // Go reads `null` as an object without fields.
  if (body === null) return
  if (typeof body !== 'object') throw badRequest(`the body is not an object of kind ${kind}`)
  const given = body as { readonly kind?: unknown; readonly apiVersion?: unknown }
  const givenKind = textOf(given.kind, 'kind')
  const givenVersion = textOf(given.apiVersion, 'apiVersion')
  if (isTyped(expected)) checkRegistered(body, expected, givenKind, givenVersion)
  if (givenKind !== '' && givenKind !== kind)
    throw badRequest(`${givenKind} in version ${JSON.stringify(givenVersion)} cannot be handled as a ${kind}`)
  if (apiVersion !== undefined && givenVersion !== '' && givenVersion !== apiVersion)
    throw badRequest(
      `the API version in the data (${givenVersion}) does not match the expected API version (${apiVersion})`,
    )
}

const shownFields = 16

/** What to do about what a body should not say, as the query parameter `fieldValidation` wants it: warnings. Throws BadRequest. */
const judge = (wrong: readonly string[], kind: string, query: URLSearchParams): readonly string[] => {
  const mode = query.get('fieldValidation') ?? 'Warn'
  const lines = wrong.slice(0, shownFields).map((line) => line.slice(0, textLimit))
  if (wrong.length > shownFields) lines.push(`and ${wrong.length - shownFields} more`)
  if (mode === 'Strict' && lines.length > 0)
    throw badRequest(
      `${kind} in version "v1" cannot be handled as a ${kind}: strict decoding error: ${lines.join(', ')}`,
    )
  return mode === 'Ignore' ? [] : lines
}

/** Fields that stand twice in a body that is no whole object: a patch. Throws as `judge`. */
export const judgeRepeated = (body: unknown, kind: string, query: URLSearchParams): readonly string[] =>
  judge(repeatedIn(body), kind, query)

const readAs = (body: unknown, kind: string, { value, unknown }: Decoded, query: URLSearchParams): Input => ({
  object: value as unknown as KubeObject,
  warnings: judge([...repeatedIn(body), ...unknown.map((path) => `unknown field "${path}"`)], kind, query),
})

/** Reads a body as a given type. Throws BadRequest for a wrong kind, wrong field types, or (Strict) unknown fields. */
export const readTyped = (body: unknown, expected: Expected, query: URLSearchParams): Input => {
  checkType(body, expected)
  return readAs(body, expected.kind, decode(body ?? {}, expected.kind, expected.schemaType), query)
}

/** Reads a body as an object of the kind in that version. Throws as `readTyped`. */
export const readShown = (definition: ResourceDefinition, body: unknown, query: URLSearchParams): Input => {
  const schemaType = definition.schema ? '' : schemaTypeOf(definition)
  checkType(body, { kind: definition.kind, apiVersion: apiVersionOf(definition), schemaType })
  return readAs(body, definition.kind, decodeAs(definition, body ?? {}), query)
}

/** Kubernetes drops an owner that is named twice, and says so. */
const withOwnersOnce = ({ object, warnings }: Input): Input => {
  const owners = object.metadata?.ownerReferences ?? []
  const repeated = repeatedAt(owners.map((owner) => JSON.stringify(Object.entries(owner).sort())))
  if (repeated.length === 0) return { object, warnings }
  const uids = repeated.map((at) => owners[at]?.uid.slice(0, textLimit)).join(', ')
  const ownerReferences = owners.filter((_, at) => !repeated.includes(at))
  return {
    object: { ...object, metadata: { ...object.metadata, ownerReferences } },
    warnings: [
      ...warnings,
      `.metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: ${uids}`,
    ],
  }
}

/** The same, as it is kept. */
export const readObject = async (
  definition: ResourceDefinition,
  body: unknown,
  query: URLSearchParams,
): Promise<Input> => {
  const { object, warnings } = withOwnersOnce(readShown(definition, body, query))
  if (!definition.stored?.convert) return { object, warnings }
  await prepared(definition, [object], 'stored')
  const stored = toStored(definition, object)
  // What a kind of its own schema keeps is what its version says. A conversion of others need not care for what is always
  // there, or left out when it is empty.
  const value = definition.schema ? stored : decodeAs(kindOf(definition), stored).value
  return { object: value as unknown as KubeObject, warnings }
}

/** Throws BadRequest when an object says that it is somewhere else than its URL. */
export const checkNamespace = (given: string | undefined, namespace: string | undefined): void => {
  if (given && namespace !== undefined && given !== namespace)
    throw badRequest(
      `the namespace of the object (${given.slice(0, textLimit)}) does not match the namespace on the request (${namespace})`,
    )
}

/** Throws BadRequest when an object says that it is another one than its URL. */
export const checkName = (given: string | undefined, name: string): void => {
  if (given && given !== name)
    throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`)
}

/** The same of what takes an object's place, which has to say its name. */
export const checkOwnName = (given: string | undefined, name: string): void => {
  if (!given)
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`)
  checkName(given, name)
}

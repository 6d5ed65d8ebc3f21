/** JSON patch, RFC 6902. */

import { deepEqual } from '../../api/deep-equal.ts'
import { AnsweredError, ApiError, badRequest, tooLarge } from '../../api/errors.ts'
import { isJsonObject, parseJson } from '../../api/json.ts'

type Json = unknown
type Container = Record<string, Json> | Json[]

interface Operation {
  readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test'
  readonly path: readonly string[]
  readonly from: readonly string[]
  readonly value: Json
}

/** As in the real server: how many operations, and how many bytes they may copy altogether. */
const operationLimit = 10_000
const copyLimit = 3 * 1024 * 1024

/** A patch that does not apply. Its client is told no more than Kubernetes tells. */
export class PatchFailure extends AnsweredError {
  override readonly name = 'PatchFailure'

  constructor(why: string) {
    super(why, new ApiError(422, 'Invalid', 'the server rejected our request due to an error in our request', {}))
  }
}

const failed = (why: string): PatchFailure => new PatchFailure(why)

/** RFC 6901: `/a~1b/0` → `a/b`, `0`. */
const parsePointer = (pointer: unknown, where: string): readonly string[] => {
  if (typeof pointer !== 'string' || (pointer !== '' && !pointer.startsWith('/')))
    throw failed(`${where} is not a JSON pointer`)
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

const goType = (value: Json): string => {
  if (Array.isArray(value)) return 'array'
  return typeof value === 'boolean' ? 'bool' : value === null ? 'null' : typeof value
}

const operations = ['add', 'remove', 'replace', 'move', 'copy', 'test'] as const

const parseOperation = (raw: Json, at: number): Operation => {
  if (!isJsonObject(raw))
    throw badRequest(`json: cannot unmarshal ${goType(raw)} into Go value of type jsonpatch.Operation`)
  const { op, path, from, value } = raw as Readonly<Record<string, Json>>
  const known = operations.find((name) => name === op)
  if (!known) throw failed(`Unexpected kind: ${String(op).slice(0, 64)}`)
  const moves = known === 'move' || known === 'copy'
  return {
    op: known,
    path: parsePointer(path, `path of operation ${at}`),
    from: moves ? parsePointer(from, `from of operation ${at}`) : [],
    // What has no value has none.
    value: value ?? null,
  }
}

const isContainer = (value: Json): value is Container => typeof value === 'object' && value !== null

const isRecord = (value: Json): value is Record<string, Json> => isContainer(value) && !Array.isArray(value)

const indexOf = (list: Json[], token: string, insert: boolean): number => {
  if (insert && token === '-') return list.length
  if (!/^(0|-?[1-9]\d*)$/.test(token)) throw failed(`"${token}" is no list index`)
  const length = list.length + (insert ? 1 : 0)
  const index = Number(token)
  if (index >= length || index < -length) throw failed(`index ${index} is out of range`)
  // From the end, as Kubernetes has it.
  return index < 0 ? length + index : index
}

const child = (container: Json, token: string, path: readonly string[]): Json => {
  if (Array.isArray(container)) return container[indexOf(container, token, false)]
  if (!isRecord(container) || !Object.hasOwn(container, token)) throw failed(`nothing is at /${path.join('/')}`)
  return container[token]
}

const resolve = (root: Json, path: readonly string[]): Json =>
  path.reduce((at: Json, token) => child(at, token, path), root)

/** The same, and nothing where the last name leads nowhere. */
const valueAt = (root: Json, path: readonly string[]): Json => {
  const token = path.at(-1)
  const container = resolve(root, path.slice(0, -1))
  return token !== undefined && isRecord(container) && !Object.hasOwn(container, token)
    ? undefined
    : resolve(root, path)
}

/** Names that mean something to the language (`__proto__`) are names like all others. */
const put = (record: Record<string, Json>, name: string, value: Json): void => {
  Object.defineProperty(record, name, { value, writable: true, enumerable: true, configurable: true })
}

/** Changes the container that holds the path's last token, in place. */
const edit = (
  root: Json,
  path: readonly string[],
  change: {
    readonly list: (list: Json[], token: string) => void
    readonly record: (record: Record<string, Json>, token: string) => void
  },
): void => {
  const token = path.at(-1)
  if (token === undefined) throw failed('the whole document cannot be changed this way')
  const container = resolve(root, path.slice(0, -1))
  if (Array.isArray(container)) change.list(container, token)
  else if (isRecord(container)) change.record(container, token)
  else throw failed(`nothing is at /${path.join('/')}`)
}

const add = (root: Json, path: readonly string[], value: Json): Json => {
  if (path.length === 0) return value
  edit(root, path, {
    list: (list, token) => void list.splice(indexOf(list, token, true), 0, value),
    record: (record, token) => put(record, token, value),
  })
  return root
}

const remove = (root: Json, path: readonly string[]): Json => {
  edit(root, path, {
    list: (list, token) => void list.splice(indexOf(list, token, false), 1),
    record: (record, token) => {
      if (!Object.hasOwn(record, token)) throw failed(`nothing to remove at /${path.join('/')}`)
      delete record[token]
    },
  })
  return root
}

/** What is not there yet is replaced, too, as Kubernetes has it. */
const replace = (root: Json, path: readonly string[], value: Json): Json => {
  if (path.length === 0) return value
  edit(root, path, {
    list: (list, token) => {
      list[indexOf(list, token, false)] = value
    },
    record: (record, token) => put(record, token, value),
  })
  return root
}

/** A copy in which no two places are one object, as defaults may leave them: a change of one is none of the other. */
const unshared = (value: Json): Json => {
  if (Array.isArray(value)) return value.map(unshared)
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, unshared(item)]))
}

type Copy = (value: Json) => Json

/** Copies that double what they copied grow without end: all of them together have a limit. */
const createCopier = (): Copy => {
  let copied = 0
  return (value) => {
    const text = JSON.stringify(value) ?? 'null'
    copied += Buffer.byteLength(text)
    if (copied > copyLimit)
      throw tooLarge(`the copies of this JSON patch are larger than the limit of ${copyLimit} bytes`)
    return parseJson(text)
  }
}

const step = (root: Json, { op, path, from, value }: Operation, copy: Copy): Json => {
  switch (op) {
    case 'add':
      return add(root, path, value)
    case 'remove':
      return remove(root, path)
    case 'replace':
      return replace(root, path, value)
    case 'copy':
      // What an object does not have is null, as Kubernetes has it.
      return add(root, path, copy(valueAt(root, from) ?? null))
    case 'move': {
      if (path.length > from.length && from.every((token, at) => token === path[at]))
        throw failed('a value cannot be moved into itself')
      const moved = resolve(root, from)
      return add(remove(root, from), path, moved)
    }
    case 'test':
      if (!deepEqual(valueAt(root, path) ?? null, value)) throw failed(`the test of /${path.join('/')} failed`)
      return root
  }
}

/**
 * The patched copy of `target`. Throws BadRequest for a malformed patch, PatchFailure for one that does not apply,
 * RequestEntityTooLarge for one that does or copies too much.
 */
export const applyJsonPatch = (target: Json, patch: Json): Json => {
  if (!Array.isArray(patch))
    throw badRequest(`json: cannot unmarshal ${goType(patch)} into Go value of type jsonpatch.Patch`)
  if (patch.length > operationLimit)
    throw tooLarge(`the allowed maximum operations in a JSON patch is ${operationLimit}, got ${patch.length}`)
  const copy = createCopier()
  // The steps change what they work on, values of the patch included.
  const operations = patch.map((raw: Json, at) => parseOperation(unshared(raw), at))
  return operations.reduce((root, operation) => step(root, operation, copy), unshared(target))
}

/** JSON patch, RFC 6902. */
import { ApiError, badRequest } from '../../api/errors.ts'
import { deepEqual } from '../deep-equal.ts'

type Json = unknown
type Container = Record<string, Json> | Json[]

interface Operation {
  readonly op: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test'
  readonly path: readonly string[]
  readonly from: readonly string[]
  readonly value: Json
}

const failed = (why: string): ApiError =>
  new ApiError(422, 'Invalid', `the server rejected our request due to an error in our request: ${why}`)

/** RFC 6901: `/a~1b/0` → `a/b`, `0`. */
const parsePointer = (pointer: unknown, where: string): readonly string[] => {
  if (typeof pointer !== 'string' || (pointer !== '' && !pointer.startsWith('/')))
    throw badRequest(`json patch: ${where} is not a JSON pointer`)
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'))
}

const operations = ['add', 'remove', 'replace', 'move', 'copy', 'test'] as const

const parseOperation = (raw: Json, at: number): Operation => {
  if (typeof raw !== 'object' || raw === null) throw badRequest(`json patch: operation ${at} is not an object`)
  const { op, path, from, value } = raw as Readonly<Record<string, Json>>
  const known = operations.find((name) => name === op)
  if (!known) throw badRequest(`json patch: operation ${at} has an unknown op ${JSON.stringify(op)}`)
  const moves = known === 'move' || known === 'copy'
  if ((known === 'add' || known === 'replace' || known === 'test') && value === undefined)
    throw badRequest(`json patch: operation ${at} (${known}) has no value`)
  return {
    op: known,
    path: parsePointer(path, `path of operation ${at}`),
    from: moves ? parsePointer(from, `from of operation ${at}`) : [],
    value,
  }
}

const isContainer = (value: Json): value is Container => typeof value === 'object' && value !== null

const isRecord = (value: Json): value is Record<string, Json> => isContainer(value) && !Array.isArray(value)

const indexOf = (list: Json[], token: string, insert: boolean): number => {
  if (insert && token === '-') return list.length
  if (!/^(0|[1-9]\d*)$/.test(token)) throw failed(`"${token}" is no list index`)
  const index = Number(token)
  if (index > list.length - (insert ? 0 : 1)) throw failed(`index ${index} is out of range`)
  return index
}

const child = (container: Json, token: string, path: readonly string[]): Json => {
  if (Array.isArray(container)) return container[indexOf(container, token, false)]
  if (!isRecord(container) || !Object.hasOwn(container, token)) throw failed(`nothing is at /${path.join('/')}`)
  return container[token]
}

const resolve = (root: Json, path: readonly string[]): Json =>
  path.reduce((at: Json, token) => child(at, token, path), root)

/** The document with `change` done to the container that holds the path's last token. */
const edit = (root: Json, path: readonly string[], change: (container: Container, token: string) => void): Json => {
  const [token, ...rest] = path
  if (token === undefined) throw failed('the whole document cannot be changed this way')
  if (!isContainer(root)) throw failed(`nothing is at /${path.join('/')}`)
  const copy: Container = Array.isArray(root) ? [...root] : { ...root }
  if (rest.length === 0) change(copy, token)
  else {
    const inner = edit(child(copy, token, path), rest, change)
    if (Array.isArray(copy)) copy[indexOf(copy, token, false)] = inner
    else copy[token] = inner
  }
  return copy
}

const add = (root: Json, path: readonly string[], value: Json): Json =>
  path.length === 0
    ? value
    : edit(root, path, (container, token) => {
        if (Array.isArray(container)) container.splice(indexOf(container, token, true), 0, value)
        else container[token] = value
      })

const remove = (root: Json, path: readonly string[]): Json =>
  edit(root, path, (container, token) => {
    if (Array.isArray(container)) container.splice(indexOf(container, token, false), 1)
    else if (Object.hasOwn(container, token)) delete container[token]
    else throw failed(`nothing to remove at /${path.join('/')}`)
  })

const replace = (root: Json, path: readonly string[], value: Json): Json => {
  resolve(root, path)
  return path.length === 0
    ? value
    : edit(root, path, (container, token) => {
        if (Array.isArray(container)) container[indexOf(container, token, false)] = value
        else container[token] = value
      })
}

const step = (root: Json, { op, path, from, value }: Operation): Json => {
  switch (op) {
    case 'add':
      return add(root, path, value)
    case 'remove':
      return remove(root, path)
    case 'replace':
      return replace(root, path, value)
    case 'copy':
      return add(root, path, resolve(root, from))
    case 'move':
      if (path.length > from.length && from.every((token, at) => token === path[at]))
        throw failed('a value cannot be moved into itself')
      return add(remove(root, from), path, resolve(root, from))
    case 'test':
      if (!deepEqual(resolve(root, path), value)) throw failed(`the test of /${path.join('/')} failed`)
      return root
  }
}

/** The patched copy of `target`. Throws BadRequest for a malformed patch, Invalid (422) for one that does not apply. */
export const applyJsonPatch = (target: Json, patch: Json): Json => {
  if (!Array.isArray(patch)) throw badRequest('json patch: the body is not a list of operations')
  return patch.map(parseOperation).reduce(step, target)
}

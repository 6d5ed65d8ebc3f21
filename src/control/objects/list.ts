/** Lists, whole or in chunks that all show the same moment. */
import { badRequest, expired } from '../../api/errors.ts'
import { goQuote } from '../../api/go-quote.ts'
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import type { KubeObject } from '../../api/types/index.ts'
import { bucketOf, type ResourceDefinition } from '../resources/definition.ts'
import { RevisionGone, type Store } from '../storage/store.ts'
import type { Selection } from './selection.ts'

export interface Page {
  readonly revision: number
  readonly items: readonly KubeObject[]
  /** Empty after the last chunk. */
  readonly continue: string
  readonly remaining: number
}

export interface Paging {
  /** 0: all. */
  readonly limit: number
  /** From the previous chunk. */
  readonly continue: string
  /** List as of this revision, when given. */
  readonly revision?: number
}

interface Token {
  readonly revision: number
  /** The name that came last. */
  readonly after: string
}

const version = 'meta.k8s.io/v1'

/** In the form of Kubernetes. */
const encode = ({ revision, after }: Token): string =>
  Buffer.from(JSON.stringify({ v: version, rv: revision, start: `${after}\u0000` })).toString('base64url')

const wrongToken = (why: string) => badRequest(`invalid continue token: continue key is not valid: ${why}`)

const read = (text: string): JsonObject => {
  const odd = text.search(/[^A-Za-z0-9_-]/)
  if (odd >= 0 || text.length % 4 === 1)
    throw wrongToken(`illegal base64 data at input byte ${odd >= 0 ? odd : text.length - 1}`)
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
    return isJsonObject(value) ? value : {}
  } catch {
    throw wrongToken('it is no JSON')
  }
}

const decode = (text: string): Token => {
  const { v, rv, start } = read(text)
  if (v !== version)
    throw wrongToken(
      `server does not recognize this encoded version ${goQuote(typeof v === 'string' ? v.slice(0, 64) : '')}`,
    )
  if (typeof rv !== 'number' || !Number.isSafeInteger(rv) || rv <= 0)
    throw wrongToken(`incorrect encoded start resourceVersion (version ${version})`)
  if (typeof start !== 'string' || start === '') throw wrongToken(`encoded start key empty (version ${version})`)
  return { revision: rv, after: start.replace(/\0$/, '') }
}

/** Throws Expired (410) when the moment of the first chunk has been forgotten. */
export const listObjects = (
  store: Store,
  definition: ResourceDefinition,
  selection: Selection,
  paging: Paging,
): Page => {
  const token = paging.continue === '' ? undefined : decode(paging.continue)
  try {
    const { revision, entries } = store.list(bucketOf(definition), token?.revision ?? paging.revision)
    const matching = entries.filter(
      ({ key, object }) => (token === undefined || key.name > token.after) && selection.matches(object),
    )
    const page = paging.limit > 0 ? matching.slice(0, paging.limit) : matching
    const remaining = matching.length - page.length
    const last = page.at(-1)
    return {
      revision,
      items: page.map(({ object }) => object),
      continue: remaining > 0 && last ? encode({ revision, after: last.key.name }) : '',
      remaining,
    }
  } catch (error) {
    if (!(error instanceof RevisionGone)) throw error
    throw expired(
      token
        ? 'The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.'
        : error.message,
    )
  }
}

/** Lists, whole or in chunks that all show the same moment. */
import { badRequest, expired } from '../../api/errors.ts'
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

const encode = (token: Token): string => Buffer.from(JSON.stringify(token)).toString('base64url')

const decode = (text: string): Token => {
  try {
    const { revision, after } = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Partial<Token>
    if (typeof revision === 'number' && typeof after === 'string') return { revision, after }
  } catch {
    // Falls through to the one answer for every unreadable token.
  }
  throw badRequest('continue key is not valid: give the metadata.continue of the previous chunk')
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

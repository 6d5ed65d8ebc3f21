/**
 * The JSON of objects as the store has them, made once for all who want it: of an object that a thousand watchers see, and of
 * lists that the same objects come back in. It is kept for as long as the object itself.
 */
import type { WatchEvent } from '../../api/types/index.ts'
import type { ShownList } from './call.ts'

const texts = new WeakMap<object, string>()

const textOf = (object: object): string => {
  const known = texts.get(object) ?? JSON.stringify(object)
  texts.set(object, known)
  return known
}

const kindFirst = /^\{"(?:kind":"[^"]*","apiVersion|apiVersion":"[^"]*","kind)":"[^"]*",?/

const withoutKind = (object: object): string => {
  const text = textOf(object)
  const head = kindFirst.exec(text)?.[0]
  if (head !== undefined) return `{${text.slice(head.length)}`
  return JSON.stringify({ ...object, kind: undefined, apiVersion: undefined })
}

/** `bare`: without the items' kind and apiVersion. */
export const renderList = ({ items, ...list }: ShownList, bare: boolean): string => {
  const head = JSON.stringify(list)
  return `${head.slice(0, -1)}${head === '{}' ? '' : ','}"items":[${items.map(bare ? withoutKind : textOf).join(',')}]}`
}

/** A line of a watch. */
export const renderEvent = ({ type, object }: WatchEvent<unknown>): string => {
  const text = typeof object === 'object' && object !== null ? textOf(object) : JSON.stringify(object)
  return `{"type":"${type}","object":${text}}\n`
}

/**
 * The JSON of objects as the store has them, made once for all who want it: of an object that a thousand watchers see, and of
 * lists that the same objects come back in. It is kept for as long as the object itself.
 */
import type { WatchEvent } from '../../api/types/index.ts'
import type { ShownList } from './call.ts'

/** Without kind and apiVersion, as lists of built-in kinds have them. */
const texts = new WeakMap<object, string>()

const bareText = (object: object): string => {
  const known = texts.get(object)
  if (known !== undefined) return known
  const made = JSON.stringify({ ...object, kind: undefined, apiVersion: undefined })
  texts.set(object, made)
  return made
}

/** Two texts of objects as that of one with the fields of both. */
const joined = (a: string, b: string): string => {
  if (a === '{}' || b === '{}') return a === '{}' ? b : a
  return `${a.slice(0, -1)},${b.slice(1)}`
}

const textOf = (object: object): string => {
  const { kind, apiVersion } = object as { readonly kind?: unknown; readonly apiVersion?: unknown }
  return joined(JSON.stringify({ kind, apiVersion }), bareText(object))
}

/** Lists longer than this are sent in parts. */
const partLength = 128 * 1024

/** The text of a list, in parts of about 128 KiB. `bare`: without the items' kind and apiVersion. */
export const renderList = function* ({ items, ...list }: ShownList, bare: boolean): Generator<string, void> {
  const head = JSON.stringify(list)
  let part = `${head.slice(0, -1)}${head === '{}' ? '' : ','}"items":[`
  for (const [at, item] of items.entries()) {
    if (part.length >= partLength) {
      yield part
      part = ''
    }
    part += `${at === 0 ? '' : ','}${bare ? bareText(item) : textOf(item)}`
  }
  yield `${part}]}`
}

/** The line that was made last: all who watch a kind are told of a change one after the other. */
let last: { readonly event: WatchEvent<unknown>; readonly line: Buffer } | undefined

/** A line of a watch. */
export const renderEvent = (event: WatchEvent<unknown>): Buffer => {
  const { type, object } = event
  if (last && last.event.type === type && last.event.object === object) return last.line
  const text = typeof object === 'object' && object !== null ? textOf(object) : JSON.stringify(object)
  const line = Buffer.from(`{"type":"${type}","object":${text}}\n`)
  last = { event, line }
  return line
}

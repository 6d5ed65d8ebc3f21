/** What server-side apply does with values: which fields they have, what changed, merging, taking fields away. Pure. */
import { deepEqual } from '../../api/deep-equal.ts'
import { at, emptySet, type FieldSet, holds, self } from './field-set.ts'
import { assemble, isWhole, type Part, partsOf, type Shape } from './shape.ts'

const leaf: FieldSet = {}

/** Every field that a value has. `withOwn`: the parts themselves, too, which come with a change and not with a wish. */
const fieldsIn = (value: unknown, shape: Shape, withOwn: boolean): FieldSet =>
  isWhole(shape, value)
    ? leaf
    : Object.fromEntries(partsOf(value, shape).map((part) => [part.step, nodeOf(part, withOwn)]))

const nodeOf = (part: Part, withOwn: boolean): FieldSet => {
  const below = fieldsIn(part.value, part.shape, withOwn)
  if (below === leaf) return leaf
  const isItem = part.step.startsWith('k:')
  return Object.keys(below).length > 0 && (isItem || (withOwn && part.isOwn)) ? { [self]: leaf, ...below } : below
}

/** The fields that somebody who applies a value has an opinion on. */
export const fieldsOfWish = (value: unknown, shape: Shape): FieldSet => fieldsIn(value, shape, false)

export interface Changes {
  /** Added, or with another value. */
  readonly changed: FieldSet
  readonly removed: FieldSet
}

const none: Changes = { changed: emptySet, removed: emptySet }

/** What became of a value. */
export const changesBetween = (old: unknown, now: unknown, shape: Shape): Changes => {
  if (old === now) return none
  if (old === undefined) return { changed: fieldsIn(now, shape, true), removed: emptySet }
  const before = new Map(partsOf(old, shape).map((part) => [part.step, part]))
  const changed: [string, FieldSet][] = []
  const removed: [string, FieldSet][] = []
  for (const part of partsOf(now, shape)) {
    const was = before.get(part.step)
    before.delete(part.step)
    if (!was) changed.push([part.step, nodeOf(part, true)])
    else if (isWhole(part.shape, part.value)) {
      if (!deepEqual(was.value, part.value)) changed.push([part.step, leaf])
    } else {
      const inner = changesBetween(was.value, part.value, part.shape)
      if (Object.keys(inner.changed).length > 0) changed.push([part.step, inner.changed])
      if (Object.keys(inner.removed).length > 0) removed.push([part.step, inner.removed])
    }
  }
  for (const part of before.values()) removed.push([part.step, nodeOf(part, true)])
  return { changed: Object.fromEntries(changed), removed: Object.fromEntries(removed) }
}

/** A value with what somebody wishes of it: theirs, where both have something; items in the order of the wish. */
export const merge = (value: unknown, wish: unknown, shape: Shape): unknown => {
  if (isWhole(shape, wish) || value === undefined) return wish
  const wished = partsOf(wish, shape)
  const present = partsOf(value, shape)
  const places = new Map(wished.map(({ step }, place) => [step, place]))
  const old = new Map(present.map((part) => [part.step, part]))
  const mergedPart = (part: Part): Part => {
    const was = old.get(part.step)
    return was ? { ...part, value: merge(was.value, part.value, part.shape) } : part
  }
  const result: Part[] = []
  let next = 0
  for (const part of present) {
    const place = places.get(part.step)
    if (place === undefined) result.push(part)
    // What is wished before an item that is there stands before it.
    else if (place >= next) {
      result.push(...wished.slice(next, place + 1).map(mergedPart))
      next = place + 1
    }
  }
  return assemble([...result, ...wished.slice(next).map(mergedPart)], shape)
}

/** A value without the fields of `gone`, except those of `kept`: what holds a kept field stays, too. */
export const without = (value: unknown, gone: FieldSet, kept: FieldSet, shape: Shape): unknown => {
  if (isWhole(shape, value)) return value
  const parts = partsOf(value, shape).flatMap((part): readonly Part[] => {
    const [leaving, staying] = [at(gone, part.step), at(kept, part.step)]
    if (!leaving) return [part]
    if (!staying && holds(leaving)) return []
    return [{ ...part, value: without(part.value, leaving, staying ?? emptySet, part.shape) }]
  })
  return assemble(parts, shape)
}

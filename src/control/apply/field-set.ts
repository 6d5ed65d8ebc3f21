/**
 * Sets of fields, in the form in which objects carry them (`FieldsV1`): a tree whose steps are `f:` and a field's name, `k:` and
 * the keys of an item, `v:` and a value. A node without children is in the set, and so is one with the child `.`. Pure.
 */
import { parseJson } from '../../api/json.ts'

export interface FieldSet {
  readonly [step: string]: FieldSet
}

export const self = '.'
export const emptySet: FieldSet = {}
const member: FieldSet = {}

const has = (set: FieldSet, step: string): boolean => Object.hasOwn(set, step)
const isMember = (node: FieldSet): boolean => has(node, self) || Object.keys(node).length === 0

/** The node at a step, as its own place in the set and what is below. */
const partsOf = (set: FieldSet, step: string): { readonly isIn: boolean; readonly below: FieldSet } => {
  const node = has(set, step) ? set[step] : undefined
  if (!node) return { isIn: false, below: emptySet }
  const { [self]: _, ...below } = node
  return { isIn: isMember(node), below }
}

/** A node out of its parts; undefined when there is nothing of it. */
const nodeOf = (isIn: boolean, below: FieldSet): FieldSet | undefined => {
  if (Object.keys(below).length === 0) return isIn ? member : undefined
  return isIn ? { [self]: member, ...below } : below
}

/** What only one of the sets has is taken or left whole: most of a set has nothing to do with the other one. */
const combine = (a: FieldSet, b: FieldSet, isIn: (inA: boolean, inB: boolean) => boolean): FieldSet => {
  const [takesA, takesB] = [isIn(true, false), isIn(false, true)]
  const nodes: [string, FieldSet][] = []
  for (const [step, node] of Object.entries(a)) {
    if (step === self) continue
    if (has(b, step)) {
      const [inA, inB] = [partsOf(a, step), partsOf(b, step)]
      const both = nodeOf(isIn(inA.isIn, inB.isIn), combine(inA.below, inB.below, isIn))
      if (both) nodes.push([step, both])
    } else if (takesA) nodes.push([step, node])
  }
  if (takesB) for (const [step, node] of Object.entries(b)) if (step !== self && !has(a, step)) nodes.push([step, node])
  return Object.fromEntries(nodes)
}

export const union = (...sets: readonly FieldSet[]): FieldSet =>
  sets.reduce((all, set) => (isEmpty(all) ? set : isEmpty(set) ? all : combine(all, set, (a, b) => a || b)), emptySet)
export const difference = (a: FieldSet, b: FieldSet): FieldSet =>
  isEmpty(a) || isEmpty(b) ? a : combine(a, b, (inA, inB) => inA && !inB)
export const intersection = (a: FieldSet, b: FieldSet): FieldSet =>
  isEmpty(a) || isEmpty(b) ? emptySet : combine(a, b, (inA, inB) => inA && inB)

export const isEmpty = (set: FieldSet): boolean => Object.keys(set).length === 0

export const isEqual = (a: FieldSet, b: FieldSet): boolean => isEmpty(difference(a, b)) && isEmpty(difference(b, a))

/** The node below a step, for a walk along an object; undefined when nothing there is in the set. */
export const at = (set: FieldSet | undefined, step: string): FieldSet | undefined =>
  set && has(set, step) ? set[step] : undefined

/** Whether the node itself is in the set. */
export const holds = (node: FieldSet | undefined): boolean => node !== undefined && isMember(node)

const words = (step: string): string => {
  const rest = step.slice(2)
  if (step.startsWith('f:')) return `.${rest}`
  if (step.startsWith('v:')) return `[=${rest}]`
  if (step.startsWith('i:')) return `[${rest}]`
  const keys = parseJson(rest) as Readonly<Record<string, unknown>>
  return `[${Object.entries(keys)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(',')}]`
}

/** `.spec.containers[name="web"].image`, as conflicts name fields. */
export const pathsOf = (set: FieldSet, prefix = ''): readonly string[] =>
  Object.keys(set).flatMap((step) => {
    if (step === self) return []
    const path = `${prefix}${words(step)}`
    const { isIn, below } = partsOf(set, step)
    return [...(isIn ? [path] : []), ...pathsOf(below, path)]
  })

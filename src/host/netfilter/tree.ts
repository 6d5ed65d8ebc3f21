/**
 * A set of items filed under strings of digits, as a tree in which few steps lead to any of them. Immutable: a change
 * makes a new tree that shares all parts it did not touch, so what changed is found by identity. The shape is a function
 * of the items alone, never of the order in which they came.
 */
import type { Rule } from './rule.ts'

/** Something filed under `key`. Two items are the same when key and id are. */
export interface Item {
  readonly key: string
  readonly id: string
  readonly rules: readonly Rule[]
}

/** Items that are looked at one after another. `prefix` starts the keys of all of them. */
export interface Leaf {
  readonly kind: 'leaf'
  readonly prefix: string
  /** Sorted by key, then id. */
  readonly items: readonly Item[]
}

/** Items parted by the digit that follows `stem`. */
export interface Branch {
  readonly kind: 'branch'
  readonly prefix: string
  /** The longest common start of all keys. */
  readonly stem: string
  readonly size: number
  /** By that digit, in order; at least two. */
  readonly children: readonly Tree[]
}

export type Tree = Leaf | Branch

/** A leaf holds more only when no digit parts its items, or the tree is as deep as it may get. */
const leafSize = 32

/** Levels of branches; keeps a chain of jumps short whatever the addresses are. */
const maxDepth = 6

const compare = (a: Item, b: Item): number =>
  a.key < b.key ? -1 : a.key > b.key ? 1 : a.id < b.id ? -1 : a.id > b.id ? 1 : 0

const sizeOf = (tree: Tree): number => (tree.kind === 'leaf' ? tree.items.length : tree.size)

/** All items, in order. */
export const itemsOf = (tree: Tree): readonly Item[] =>
  tree.kind === 'leaf' ? tree.items : tree.children.flatMap(itemsOf)

const commonStart = (a: string, b: string): string => {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return a.slice(0, length)
}

const leaf = (prefix: string, items: readonly Item[]): Leaf => ({ kind: 'leaf', prefix, items })

/** The tree of these items (sorted) below `prefix`. */
const build = (prefix: string, items: readonly Item[], depth: number): Tree => {
  const first = items[0]?.key ?? ''
  const last = items.at(-1)?.key ?? ''
  if (items.length <= leafSize || depth >= maxDepth || first === last) return leaf(prefix, items)
  const stem = commonStart(first, last)
  const groups = Map.groupBy(items, ({ key }) => key.slice(0, stem.length + 1))
  const children = [...groups].map(([start, group]) => build(start, group, depth + 1))
  return { kind: 'branch', prefix, stem, size: items.length, children }
}

/** A branch with one child replaced, added or (when it became empty) taken out. */
const withChild = (tree: Branch, child: Tree, depth: number): Tree => {
  const others = tree.children.filter(({ prefix }) => prefix !== child.prefix)
  const children = sizeOf(child) === 0 ? others : [...others, child].sort((a, b) => (a.prefix < b.prefix ? -1 : 1))
  const size = children.reduce((sum, one) => sum + sizeOf(one), 0)
  if (children.length < 2 || size <= leafSize) return build(tree.prefix, children.flatMap(itemsOf), depth)
  return { ...tree, size, children }
}

const childFor = ({ stem, children }: Branch, key: string): Tree => {
  const prefix = key.slice(0, stem.length + 1)
  return children.find((child) => child.prefix === prefix) ?? leaf(prefix, [])
}

/** Where in the sorted items `item` is, or belongs. */
const placeOf = (items: readonly Item[], item: Item): { readonly at: number; readonly found: boolean } => {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >> 1
    const other = items[middle]
    if (other && compare(other, item) < 0) low = middle + 1
    else high = middle
  }
  const there = items[low]
  return { at: low, found: there !== undefined && compare(there, item) === 0 }
}

const insertAt = (tree: Tree, item: Item, depth: number): Tree => {
  if (tree.kind === 'branch' && item.key.startsWith(tree.stem))
    return withChild(tree, insertAt(childFor(tree, item.key), item, depth + 1), depth)
  const items = itemsOf(tree)
  const { at, found } = placeOf(items, item)
  return build(tree.prefix, items.toSpliced(at, found ? 1 : 0, item), depth)
}

const removeAt = (tree: Tree, item: Item, depth: number): Tree => {
  if (tree.kind === 'leaf') {
    const { at, found } = placeOf(tree.items, item)
    return found ? build(tree.prefix, tree.items.toSpliced(at, 1), depth) : tree
  }
  if (!item.key.startsWith(tree.stem)) return tree
  const child = childFor(tree, item.key)
  const next = removeAt(child, item, depth + 1)
  return next === child ? tree : withChild(tree, next, depth)
}

export const emptyTree: Tree = leaf('', [])

/** The tree of these items, which need not be in order; of two that are the same one counts. */
export const treeOf = (items: readonly Item[]): Tree => {
  const sorted = items.toSorted(compare).filter((item, at, all) => at === 0 || compare(item, all[at - 1] ?? item) !== 0)
  return build('', sorted, 0)
}

/** The tree with `item`, in place of the same item if it was there. */
export const insert = (tree: Tree, item: Item): Tree => insertAt(tree, item, 0)

/** The tree without `item`; the very same tree when it was not there. */
export const remove = (tree: Tree, item: Item): Tree => removeAt(tree, item, 0)

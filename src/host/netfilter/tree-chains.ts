/** Trees as chains: a packet that enters the root meets a few rules at each level instead of one for every item. */
import { type ChainName, type Rule, rule } from './rule.ts'
import type { Chain } from './tables.ts'
import type { Branch, Tree } from './tree.ts'

/** How one kind of prefix is named and matched. */
export interface Labels {
  chain(prefix: string): ChainName
  match(prefix: string): Rule
}

/** Where a tree lives in the kernel. */
export interface TreeLayout {
  readonly root: ChainName
  readonly labels: Labels
  /** Rules of the root chain before and after those of the tree. */
  readonly head: readonly Rule[]
  readonly tail: readonly Rule[]
  /** When set, branches are gone to for good (`-g`), and each chain below the root ends with these rules. */
  readonly ends?: readonly Rule[]
}

const chainName = ({ prefix }: Tree, { root, labels }: TreeLayout): ChainName =>
  prefix === '' ? root : labels.chain(prefix)

const branchRules = ({ children }: Branch, layout: TreeLayout): readonly Rule[] =>
  children.map((child) => {
    const match = layout.labels.match(child.prefix)
    const chain = chainName(child, layout)
    return layout.ends ? rule`${match} -g ${chain}` : rule`${match} -j ${chain}`
  })

/** The chain of one node of the tree. Items with the same rule (a pod in two Services) share it. */
const chainOf = (tree: Tree, layout: TreeLayout): Chain => {
  const own = tree.kind === 'leaf' ? tree.items.flatMap(({ rules }) => rules) : branchRules(tree, layout)
  const { head, tail } = tree.prefix === '' ? layout : { head: [], tail: layout.ends ?? [] }
  return { name: chainName(tree, layout), rules: [...head, ...new Set(own), ...tail] }
}

/** All chains of a tree, each after those it leads to; the root is last. */
export const treeChains = (tree: Tree, layout: TreeLayout): readonly Chain[] => [
  ...(tree.kind === 'branch' ? tree.children.flatMap((child) => treeChains(child, layout)) : []),
  chainOf(tree, layout),
]

/** The nodes of `tree` that are not nodes of `other`, each after those below it. */
const nodesOnlyIn = (tree: Tree, other: Tree | undefined): readonly Tree[] => {
  if (tree === other) return []
  if (tree.kind === 'leaf') return [tree]
  const others = other?.kind === 'branch' ? other.children : []
  const below = tree.children.flatMap((child) =>
    nodesOnlyIn(
      child,
      others.find(({ prefix }) => prefix === child.prefix),
    ),
  )
  return [...below, tree]
}

export interface TreeChange {
  /** New or rewritten chains, each after those it leads to. */
  readonly written: readonly Chain[]
  readonly gone: readonly ChainName[]
}

/** What to do to the chains of `before` to get those of `after`; costs what changed, not what is there. */
export const treeChange = (before: Tree, after: Tree, layout: TreeLayout): TreeChange => {
  const written = nodesOnlyIn(after, before).map((tree) => chainOf(tree, layout))
  const names = new Set<ChainName>(written.map(({ name }) => name))
  const gone = nodesOnlyIn(before, after).map((tree) => chainName(tree, layout))
  return { written, gone: gone.filter((name) => !names.has(name)) }
}

/** Expressions of users: compiled once, bounded in what they may cost. */
import type { ASTNode, Environment, ParseResult } from '@marcbachmann/cel-js'
import { Environment as CelEnvironment, Optional } from '@marcbachmann/cel-js'
import { errorText } from '../../api/errors.ts'
import { addAddresses, canonicalName } from './functions/addresses.ts'
import { addFormats } from './functions/formats.ts'
import { addLists } from './functions/lists.ts'
import { addQuantities } from './functions/quantities.ts'
import { addStrings, safeMatches } from './functions/strings.ts'
import { addUrls } from './functions/urls.ts'

export type { Environment }

const options = {
  unlistedVariablesAreDyn: false,
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
  limits: { maxAstNodes: 4_000, maxDepth: 100, maxListElements: 1_000, maxMapEntries: 1_000, maxCallArguments: 32 },
}

/** What the library makes of a duration. */
const plain = (): Environment => new CelEnvironment(options)
const makeDuration = plain().registerVariable('text', 'string').parse('duration(text)')

/** With everything that Kubernetes adds to CEL. Whoever declares variables makes a `clone()` of it. */
const everything: Environment = [addStrings, addLists, addUrls, addAddresses, addQuantities].reduce(
  (env, add) => add(env),
  addFormats(plain()),
)

export const createEnvironment = (): Environment => everything.clone()

const longest = 10_240

/** What a list or map of the data may be walked by. */
const walks: readonly string[] = ['all', 'exists', 'exists_one', 'existsOne', 'map', 'filter']

interface Node {
  readonly op: string
  readonly args: unknown
  readonly start: number
  readonly end: number
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'op' in value && 'args' in value

const childrenOf = (args: unknown): readonly Node[] => {
  if (isNode(args)) return [args]
  return Array.isArray(args) ? args.flatMap(childrenOf) : []
}

/** Steps by how many lists are walked around them: `[3, 2]` is three steps, and two for every item. */
type Cost = readonly number[]

const sum = (costs: readonly Cost[]): Cost =>
  costs.reduce<number[]>((all, cost) => {
    for (const [depth, steps] of cost.entries()) all[depth] = (all[depth] ?? 0) + steps
    return all
  }, [])

/** About how many steps an expression takes. */
const costOf = ({ op, args }: Node): Cost => {
  const [name, receiver, inner] = Array.isArray(args) ? args : []
  const all = (nodes: unknown): Cost => sum([[1], ...childrenOf(nodes).map(costOf)])
  return op === 'rcall' && walks.includes(String(name)) ? sum([all(receiver), [0, ...all(inner)]]) : all(args)
}

/** For data whose widest list has `width` items. */
const stepsOf = (cost: Cost, width: number): number =>
  cost.reduceRight((steps, each) => steps * Math.max(1, width) + each, 0)

/** Gives functions the names by which they are safe to call. */
const rename = (node: Node): void => {
  const { op, args } = node
  if (op === 'rcall' && Array.isArray(args) && args[0] === 'matches') args[0] = safeMatches
  for (const each of childrenOf(args)) rename(each)
}

const names = (node: Node, found: Set<string>): Set<string> => {
  if (node.op === 'id') found.add(String(node.args))
  for (const each of childrenOf(node.args)) names(each, found)
  return found
}

export interface Expression {
  /** Throws when a value that it needs is not there, and the like. */
  readonly evaluate: (values: Readonly<Record<string, unknown>>) => unknown
  /** About how many steps it takes over data whose widest list has so many items. */
  readonly cost: (width: number) => number
  /** Whether it speaks of a variable. */
  readonly uses: (name: string) => boolean
}

const firstLine = (error: unknown): string => errorText(error).split('\n')[0] ?? ''

/** What `has` asks about, when it is not a field of a field of a variable: the library knows no other. */
const askedOf = ({ op, args }: Node): readonly [object: Node, field: string] | undefined => {
  if (op !== 'call' || !Array.isArray(args) || args[0] !== 'has') return undefined
  const [field] = childrenOf(args[1])
  if (field?.op !== '.' || !Array.isArray(field.args)) return undefined
  let root: Node | undefined = field
  while (root && (root.op === '.' || root.op === '.?')) root = childrenOf(root.args)[0]
  const [object] = childrenOf(field.args)
  return object && root?.op !== 'id' ? [object, String(field.args[1])] : undefined
}

const innermost = (node: Node): { readonly call: Node; readonly asked: readonly [Node, string] } | undefined => {
  for (const each of childrenOf(node.args)) {
    const found = innermost(each)
    if (found) return found
  }
  const asked = askedOf(node)
  return asked && { call: node, asked }
}

const mostRewrites = 200

/** `has(a[0].b)` says the same as `a[0].?b.hasValue()`. */
const parseWithHas = (env: Environment, given: string): ParseResult => {
  let text = given
  for (let turn = 0; turn < mostRewrites; turn++) {
    const parsed = env.parse(text)
    const found = innermost(parsed.ast)
    if (!found) return parsed
    const { call, asked } = found
    const [object, field] = asked
    text = `${text.slice(0, call.start)}(${text.slice(object.start, object.end)}.?${field}.hasValue())${text.slice(call.end)}`
  }
  throw new Error('the expression is too large')
}

/** The names of functions that stand where no name of a function can stand. */
const readable = (text: string): string => text.replaceAll(/\bip\.isCanonical\(/g, `${canonicalName}(`)

/** `wanted`: the type that it has to have. Throws with the reason why it does not compile. */
export const compile = (env: Environment, text: string, wanted: 'bool' | 'string' | 'any'): Expression => {
  if (text.trim() === '') throw new Error('expression is empty')
  if (text.length > longest) throw new Error('expression is too long')
  let parsed: ParseResult
  try {
    parsed = parseWithHas(env, readable(text))
  } catch (error) {
    throw new Error(`Syntax error: ${firstLine(error)}`)
  }
  const root: ASTNode = parsed.ast
  rename(root)
  const { valid, type, error } = parsed.check()
  if (!valid) throw new Error(firstLine(error))
  if (wanted !== 'any' && type !== wanted && type !== 'dyn') throw new Error(`must evaluate to ${wanted}`)
  const variables = names(root, new Set())
  const cost = costOf(root)
  return {
    evaluate: (values) => {
      try {
        return parsed({ ...values })
      } catch (error) {
        throw new Error(firstLine(error))
      }
    },
    cost: (width) => stepsOf(cost, width),
    uses: (name) => variables.has(name),
  }
}

const longestWords = 5_120

/** What a rule's own expression says to whoever breaks it; `otherwise` when it says nothing, or nothing in one line. */
export const ownWords = (
  expression: Expression | undefined,
  values: Readonly<Record<string, unknown>>,
  otherwise: string,
): string => {
  if (!expression) return otherwise
  try {
    const text = String(expression.evaluate(values)).trim()
    return text === '' || /[\r\n]/.test(text) ? otherwise : text.slice(0, longestWords)
  } catch {
    return otherwise
  }
}

export type CelDuration = unknown

/** The text itself where it is no duration. */
export const durationOf = (text: string): CelDuration => {
  try {
    return makeDuration({ text })
  } catch {
    return text
  }
}

export const optionalOf = (value: unknown): unknown => (value === undefined ? Optional.none() : Optional.of(value))

/** Carries out what a source says. Structs are plain objects by the names of their fields, slices arrays, `nil` is null. */
import type { Source } from './parse.ts'
import type { Expression, Statement, TypeNode } from './tree.ts'

/** A function of Go: what it returns is one value, or an array of several in `Several`. */
export type GoFunction = (...values: readonly unknown[]) => unknown

/** Several values that are returned at once. */
export class Several {
  readonly values: readonly unknown[]
  constructor(...values: readonly unknown[]) {
    this.values = values
  }
}

export interface World {
  /** `kubernetes.NewGatewayRef` and the like. */
  readonly functions: Readonly<Record<string, GoFunction>>
  /** Methods by name, whatever they are called on, where there is no field of that name: the first value is that. */
  readonly methods: Readonly<Record<string, GoFunction>>
  /** `RouteReasonRefNotPermitted` to what it says. */
  readonly constants: ReadonlyMap<string, unknown>
}

/** The name of something in a package that is nothing that we know: a type, as a rule. */
interface Symbolic {
  readonly symbolic: string
}

export type Fields = Readonly<Record<string, unknown>>

export const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isSymbolic = (value: unknown): value is Symbolic => isFields(value) && typeof value['symbolic'] === 'string'

export const isFunction = (value: unknown): value is GoFunction => typeof value === 'function'

/** A field of a struct that was not set has the zero value of its type, whatever that is. */
const isZero = (value: unknown): boolean =>
  value === undefined || value === null || value === '' || value === 0 || value === false

const same = (a: unknown, b: unknown): boolean =>
  a === b || ((a === undefined || b === undefined || a === null || b === null) && isZero(a) && isZero(b))

class Scope {
  readonly names = new Map<string, unknown>()
  readonly around: Scope | undefined
  constructor(around?: Scope) {
    this.around = around
  }
  holder(name: string): Scope | undefined {
    return this.names.has(name) ? this : this.around?.holder(name)
  }
}

/** How a block ended before its end. */
type Ended = { readonly word: 'return'; readonly value: unknown } | { readonly word: 'break' | 'continue' } | undefined

const words: Readonly<Record<string, unknown>> = { nil: null, true: true, false: false, iota: 0 }

const builtins: Readonly<Record<string, GoFunction>> = {
  string: (value) => value ?? '',
  int: Number,
  int32: Number,
  int64: Number,
  float64: Number,
  len: (value) =>
    Array.isArray(value) || typeof value === 'string' ? value.length : isFields(value) ? Object.keys(value).length : 0,
  append: (list, ...more) => [...(Array.isArray(list) ? list : []), ...more],
  make: (type) => (isFields(type) && type['kind'] === 'list' ? [] : {}),
  new: (value) => (value === undefined || isSymbolic(value) ? {} : value),
  cancel: () => undefined,
}

export const openSource = ({ declarations }: Source, world: World): { value(name: string): Promise<unknown> } => {
  const top = new Scope()
  const values = new Map(declarations.map(({ name, value }) => [name, value]))

  const lookUp = async (name: string, scope: Scope): Promise<unknown> => {
    const holder = scope.holder(name)
    if (holder) return holder.names.get(name)
    if (Object.hasOwn(words, name)) return words[name]
    const declared = values.get(name)
    if (declared) {
      const value = await evaluate(declared, top)
      top.names.set(name, value)
      return value
    }
    return builtins[name] ?? { symbolic: name }
  }

  const fieldOf = (of: unknown, name: string): unknown => {
    if (isSymbolic(of)) {
      const whole = `${of.symbolic}.${name}`
      return world.functions[whole] ?? world.constants.get(whole) ?? world.constants.get(name) ?? { symbolic: whole }
    }
    if (isFields(of) && Object.hasOwn(of, name)) return of[name]
    const method = world.methods[name]
    return method && ((...more: readonly unknown[]) => method(of, ...more))
  }

  const call = async (of: unknown, given: readonly unknown[], what: string): Promise<unknown> => {
    if (isFunction(of)) return of(...given)
    // A conversion to a type.
    if (isSymbolic(of) && given.length === 1) return given[0]
    throw new Error(`${what} is no function that is known`)
  }

  const textOf = (of: Expression): string =>
    of.kind === 'field' ? `${textOf(of.of)}.${of.name}` : of.kind === 'name' ? of.name : of.kind

  const binary = async (mark: string, left: Expression, right: Expression, scope: Scope): Promise<unknown> => {
    const a = await evaluate(left, scope)
    if (mark === '&&') return a === true && (await evaluate(right, scope)) === true
    if (mark === '||') return a === true || (await evaluate(right, scope)) === true
    const b = await evaluate(right, scope)
    if (mark === '==') return same(a, b)
    if (mark === '!=') return !same(a, b)
    if (mark === '+' && (typeof a === 'string' || typeof b === 'string')) return `${a}${b}`
    const [x, y] = [Number(a), Number(b)]
    const found = {
      '+': x + y,
      '-': x - y,
      '*': x * y,
      '/': x / y,
      '<': x < y,
      '>': x > y,
      '<=': x <= y,
      '>=': x >= y,
    }[mark]
    if (found === undefined) throw new Error(`${mark} is not known`)
    return found
  }

  const literal = async (
    type: TypeNode | undefined,
    { elements }: Extract<Expression, { kind: 'literal' }>,
    scope: Scope,
  ) => {
    const keyed = elements.some(({ key }) => key !== undefined)
    const isList = type?.kind === 'list' || (!keyed && elements.length > 0)
    const inner = type?.element
    const innerValue = (value: Expression): Promise<unknown> =>
      value.kind === 'literal' && value.type === undefined ? literal(inner, value, scope) : evaluate(value, scope)
    if (isList) {
      const found: unknown[] = []
      for (const { value } of elements) found.push(await innerValue(value))
      return found
    }
    const found: Record<string, unknown> = {}
    for (const { key, value } of elements) {
      const isField = key?.kind === 'name' && type?.kind !== 'map'
      const name = key === undefined ? '' : isField ? key.name : await evaluate(key, scope)
      found[String(name)] = await innerValue(value)
    }
    return found
  }

  const evaluate = async (of: Expression, scope: Scope): Promise<unknown> => {
    switch (of.kind) {
      case 'value':
        return of.value
      case 'name':
        return lookUp(of.name, scope)
      case 'field':
        return fieldOf(await evaluate(of.of, scope), of.name)
      case 'index': {
        const whole = await evaluate(of.of, scope)
        if (isFunction(whole) || isSymbolic(whole)) return whole
        const at = await evaluate(of.at, scope)
        if (Array.isArray(whole)) return whole[Number(at)]
        return isFields(whole) ? whole[String(at)] : undefined
      }
      case 'slice': {
        const whole = await evaluate(of.of, scope)
        const [from, to] = [of.from && (await evaluate(of.from, scope)), of.to && (await evaluate(of.to, scope))]
        return Array.isArray(whole) || typeof whole === 'string'
          ? whole.slice(from === undefined ? 0 : Number(from), to === undefined ? undefined : Number(to))
          : whole
      }
      case 'call': {
        const callee = await evaluate(of.of, scope)
        const given: unknown[] = []
        for (const each of of.values) given.push(await evaluate(each, scope))
        const last = of.spread ? given.pop() : undefined
        return call(callee, Array.isArray(last) ? [...given, ...last] : given, textOf(of.of))
      }
      case 'unary': {
        const value = await evaluate(of.of, scope)
        if (of.mark === '!') return value !== true
        return of.mark === '-' ? -Number(value) : value
      }
      case 'binary':
        return binary(of.mark, of.left, of.right, scope)
      case 'literal':
        return literal(of.type, of, scope)
      case 'type':
        return of.type.kind === 'named' ? { symbolic: of.type.name } : { symbolic: of.type.kind, kind: of.type.kind }
      case 'function':
        return async (...given: readonly unknown[]) => {
          const own = new Scope(scope)
          for (const [at, name] of of.names.entries()) own.names.set(name, given[at])
          const late: (() => Promise<unknown>)[] = []
          try {
            const ended = await runAll(of.body, own, late)
            return ended?.word === 'return' ? ended.value : undefined
          } finally {
            for (const each of late.reverse()) await each()
          }
        }
    }
  }

  const assign = async (to: Expression, value: unknown, scope: Scope, isNew: boolean): Promise<void> => {
    if (to.kind === 'unary') return assign(to.of, value, scope, isNew)
    if (to.kind === 'name') {
      if (to.name === '_') return
      const holder = isNew ? scope : (scope.holder(to.name) ?? scope)
      return void holder.names.set(to.name, value)
    }
    if (to.kind !== 'field' && to.kind !== 'index') throw new Error(`nothing can be assigned to a ${to.kind}`)
    const whole = await evaluate(to.of, scope)
    const name = to.kind === 'field' ? to.name : String(await evaluate(to.at, scope))
    // A struct within a struct is there, also when nothing of it has been set.
    if (whole === undefined && to.of.kind === 'field') return assign(to.of, { [name]: value }, scope, false)
    if (isFields(whole)) whole[name] = value
    else if (Array.isArray(whole)) whole[Number(name)] = value
  }

  const runAll = async (all: readonly Statement[], scope: Scope, late: (() => Promise<unknown>)[]): Promise<Ended> => {
    for (const each of all) {
      const ended = await run(each, scope, late)
      if (ended) return ended
    }
    return undefined
  }

  const run = async (each: Statement, scope: Scope, late: (() => Promise<unknown>)[]): Promise<Ended> => {
    switch (each.kind) {
      case 'expression':
        await evaluate(each.of, scope)
        return undefined
      case 'assign': {
        const found: unknown[] = []
        for (const from of each.from) found.push(await evaluate(from, scope))
        const given = found.length === 1 && found[0] instanceof Several ? found[0].values : found
        for (const [at, to] of each.to.entries()) {
          const change = each.mark === '+=' || each.mark === '-='
          const value = change ? await binary(each.mark[0] ?? '', to, each.from[at] ?? to, scope) : given[at]
          // Structs are copied.
          await assign(
            to,
            isFields(value) && !isSymbolic(value) ? structuredCopy(value) : value,
            scope,
            each.mark === ':=',
          )
        }
        return undefined
      }
      case 'if': {
        const own = new Scope(scope)
        if (each.first) await run(each.first, own, late)
        const isTrue = (await evaluate(each.when, own)) === true
        return runAll(isTrue ? each.then : each.else, new Scope(own), late)
      }
      case 'range': {
        const over = await evaluate(each.over, scope)
        const entries: readonly (readonly [unknown, unknown])[] =
          typeof over === 'number'
            ? Array.from({ length: over }, (_, at) => [at, at])
            : Array.isArray(over)
              ? [...over.entries()]
              : Object.entries(isFields(over) ? over : {})
        for (const entry of entries) {
          const own = new Scope(scope)
          for (const [at, name] of each.names.entries()) if (name !== undefined) own.names.set(name, entry[at])
          const ended = await runAll(each.body, own, late)
          if (ended?.word === 'return') return ended
          if (ended?.word === 'break') break
        }
        return undefined
      }
      case 'loop': {
        const own = new Scope(scope)
        await run(each.first, own, late)
        while ((await evaluate(each.when, own)) === true) {
          const ended = await runAll(each.body, new Scope(own), late)
          if (ended?.word === 'return') return ended
          if (ended?.word === 'break') break
          await run(each.step, own, late)
        }
        return undefined
      }
      case 'switch': {
        const value = await evaluate(each.of, scope)
        for (const { values: wanted, body } of each.cases) {
          const found = await Promise.all(wanted.map((one) => evaluate(one, scope)))
          if (wanted.length > 0 && !found.some((one) => same(one, value))) continue
          const ended = await runAll(body, new Scope(scope), late)
          return ended?.word === 'break' ? undefined : ended
        }
        return undefined
      }
      case 'return': {
        const found: unknown[] = []
        for (const one of each.values) found.push(await evaluate(one, scope))
        return { word: 'return', value: found.length > 1 ? new Several(...found) : found[0] }
      }
      case 'jump':
        return { word: each.word }
      case 'defer': {
        const { of } = each
        if (of.kind === 'call') {
          const callee = await evaluate(of.of, scope)
          late.push(async () => (isFunction(callee) ? callee() : undefined))
        }
        return undefined
      }
    }
  }

  return { value: (name) => lookUp(name, top) }
}

/** One level: what a struct refers to stays the same. */
const structuredCopy = (value: Record<string, unknown>): Record<string, unknown> => ({ ...value })

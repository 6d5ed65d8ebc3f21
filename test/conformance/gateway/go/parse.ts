/** Reads as much of Go as the tests of the suite are written in. What it does not know is an error with its line. */
import { type Token, tokensOf } from './tokens.ts'
import type { Case, Element, Expression, Statement, TypeNode } from './tree.ts'

export interface Source {
  /** What is declared at the top, in order: functions and variables. */
  readonly declarations: readonly { readonly name: string; readonly value: Expression }[]
}

const precedence: Readonly<Record<string, number>> = {
  ...{ '||': 1, '&&': 2, '==': 3, '!=': 3, '<': 3, '<=': 3, '>': 3, '>=': 3 },
  ...{ '+': 4, '-': 4, '|': 4, '^': 4, '*': 5, '/': 5, '%': 5, '<<': 5, '>>': 5, '&': 5 },
}

const nothing: Expression = { kind: 'name', name: 'nil' }

/** A source of one file. Throws for what is not understood. */
export const parseGo = (text: string): Source => {
  const tokens = tokensOf(text)
  let at = 0
  const now = (): Token => tokens[at] ?? { kind: 'end', text: '', line: 0 }
  const wrong = (): never => {
    throw new Error(`line ${now().line}: ${JSON.stringify(now().text)} is not understood`)
  }
  const is = (...words: readonly string[]): boolean => now().kind !== 'text' && words.includes(now().text)
  const take = (word: string): boolean => {
    if (!is(word)) return false
    at++
    return true
  }
  const need = (word: string): void => void (take(word) || wrong())
  const name = (): string => {
    if (now().kind !== 'name') wrong()
    return tokens[at++]?.text ?? ''
  }
  const skipEnds = (): void => {
    while (take(';')) {}
  }
  /** Over a bracket and all that it holds. */
  const skipGroup = (): void => {
    let depth = 0
    do {
      if (now().kind === 'end') wrong()
      if (now().kind === 'mark' && '([{'.includes(now().text)) depth++
      if (now().kind === 'mark' && ')]}'.includes(now().text)) depth--
      at++
    } while (depth > 0)
  }

  const other: TypeNode = { kind: 'other', name: '' }
  const type = (): TypeNode => {
    if (take('*')) return type()
    if (take('[')) {
      if (!is(']')) at++
      need(']')
      return { kind: 'list', name: '', element: type() }
    }
    if (take('map')) {
      need('[')
      type()
      need(']')
      return { kind: 'map', name: '', element: type() }
    }
    if (take('struct') || take('interface')) {
      skipGroup()
      return { kind: 'struct', name: '' }
    }
    if (take('chan')) {
      type()
      return other
    }
    if (take('func')) {
      signature()
      return other
    }
    let found = name()
    while (take('.')) found += `.${name()}`
    return { kind: 'named', name: found }
  }

  /** Parameters by name, and what is returned. */
  const signature = (): readonly string[] => {
    need('(')
    const names: string[] = []
    while (!take(')')) {
      const first = now()
      const next = tokens[at + 1]
      if (first.kind === 'name' && next?.text !== '.' && next?.text !== ')') {
        names.push(name())
        if (take(',')) continue
      }
      take('...')
      if (!is(')')) type()
      take(',')
    }
    if (is('(')) skipGroup()
    else if (now().kind === 'name' || is('*', '[')) type()
    return names
  }

  const block = (): readonly Statement[] => {
    need('{')
    const found: Statement[] = []
    skipEnds()
    while (!take('}')) {
      found.push(...statement())
      if (!is('}')) need(';')
      skipEnds()
    }
    return found
  }

  const elements = (): readonly Element[] => {
    need('{')
    const found: Element[] = []
    skipEnds()
    while (!take('}')) {
      const first = element()
      found.push(take(':') ? { key: first, value: element() } : { key: undefined, value: first })
      take(',')
      skipEnds()
    }
    return found
  }
  const element = (): Expression =>
    is('{') ? { kind: 'literal', type: undefined, elements: elements() } : expression(true)

  const isType = (found: Expression): boolean =>
    found.kind === 'name' || (found.kind === 'field' && found.of.kind === 'name')

  const nameOf = (found: Expression): string =>
    found.kind === 'field' && found.of.kind === 'name'
      ? `${found.of.name}.${found.name}`
      : 'name' in found
        ? found.name
        : ''

  const operand = (): Expression => {
    const { kind, text: word } = now()
    if (kind === 'number' || kind === 'text') {
      at++
      return { kind: 'value', value: kind === 'number' ? Number(word) : word }
    }
    if (take('(')) {
      const found = expression(true)
      need(')')
      return found
    }
    if (take('func')) {
      const names = signature()
      return { kind: 'function', names, body: block() }
    }
    if (is('[', 'map', 'struct')) {
      const found = type()
      return is('{') ? { kind: 'literal', type: found, elements: elements() } : { kind: 'type', type: found }
    }
    return { kind: 'name', name: name() }
  }

  const primary = (mayHoldLiteral: boolean): Expression => {
    let found = operand()
    for (;;) {
      if (take('.')) {
        if (is('(')) skipGroup()
        else found = { kind: 'field', of: found, name: name() }
      } else if (is('(')) found = call(found)
      else if (take('[')) found = index(found)
      else if (mayHoldLiteral && is('{') && isType(found))
        found = { kind: 'literal', type: { kind: 'named', name: nameOf(found) }, elements: elements() }
      else return found
    }
  }

  const call = (of: Expression): Expression => {
    need('(')
    const values: Expression[] = []
    let spread = false
    skipEnds()
    while (!take(')')) {
      values.push(expression(true))
      spread = take('...') || spread
      take(',')
      skipEnds()
    }
    return { kind: 'call', of, values, spread }
  }

  const index = (of: Expression): Expression => {
    const from = is(':') ? undefined : expression(true)
    if (!take(':')) {
      need(']')
      return { kind: 'index', of, at: from ?? nothing }
    }
    const to = is(']') ? undefined : expression(true)
    need(']')
    return { kind: 'slice', of, ...(from ? { from } : {}), ...(to ? { to } : {}) }
  }

  const unary = (mayHoldLiteral: boolean): Expression => {
    for (const mark of ['!', '-', '&', '*', '<-'])
      if (take(mark)) return { kind: 'unary', mark, of: unary(mayHoldLiteral) }
    return primary(mayHoldLiteral)
  }

  const expression = (mayHoldLiteral: boolean, least = 1): Expression => {
    let left = unary(mayHoldLiteral)
    for (;;) {
      const mark = now().kind === 'mark' ? now().text : ''
      const strength = precedence[mark] ?? 0
      if (strength < least) return left
      at++
      left = { kind: 'binary', mark, left, right: expression(mayHoldLiteral, strength + 1) }
    }
  }

  const list = (mayHoldLiteral: boolean): readonly Expression[] => {
    const found = [expression(mayHoldLiteral)]
    while (take(',')) found.push(expression(mayHoldLiteral))
    return found
  }

  const simple = (mayHoldLiteral: boolean): Statement => {
    const to = list(mayHoldLiteral)
    for (const mark of [':=', '=', '+=', '-='])
      if (take(mark)) return { kind: 'assign', mark, to, from: list(mayHoldLiteral) }
    for (const mark of ['++', '--'])
      if (take(mark)) return { kind: 'assign', mark: `${mark[0]}=`, to, from: [{ kind: 'value', value: 1 }] }
    return { kind: 'expression', of: to[0] ?? wrong() }
  }

  /** One, or several in brackets. */
  const declarations = (): readonly Statement[] => {
    const one = (): Statement => {
      const to: Expression[] = [{ kind: 'name', name: name() }]
      while (take(',')) to.push({ kind: 'name', name: name() })
      if (!is('=', ';')) type()
      return { kind: 'assign', mark: ':=', to, from: take('=') ? list(true) : to.map(() => nothing) }
    }
    if (!take('(')) return [one()]
    const found: Statement[] = []
    skipEnds()
    while (!take(')')) {
      found.push(one())
      skipEnds()
    }
    return found
  }

  const condition = (): Statement => {
    let when = simple(false)
    let first: Statement | undefined
    if (take(';')) {
      first = when
      when = simple(false)
    }
    const then = block()
    const rest = take('else') ? (take('if') ? [condition()] : block()) : []
    const of = when.kind === 'expression' ? when.of : wrong()
    return { kind: 'if', ...(first ? { first } : {}), when: of, then, else: rest }
  }

  const counted = (): Statement => {
    const first = simple(false)
    need(';')
    const when = expression(false)
    need(';')
    return { kind: 'loop', first, when, step: simple(false), body: block() }
  }

  /** Whether `range` stands before the body. */
  const isOverRange = (): boolean => {
    for (let ahead = at; tokens[ahead] && tokens[ahead]?.text !== '{'; ahead++)
      if (tokens[ahead]?.text === 'range') return true
    return false
  }

  const loop = (): Statement => {
    if (!isOverRange()) return counted()
    const names: (string | undefined)[] = []
    if (!is('range')) {
      do {
        const found = name()
        names.push(found === '_' ? undefined : found)
      } while (take(','))
      if (!take(':=')) need('=')
    }
    need('range')
    const over = expression(false)
    return { kind: 'range', names, over, body: block() }
  }

  const choice = (): Statement => {
    const of = expression(false)
    need('{')
    skipEnds()
    const cases: Case[] = []
    while (!take('}')) {
      const isLast = take('default')
      if (!isLast) need('case')
      const values = isLast ? [] : list(true)
      need(':')
      const body: Statement[] = []
      skipEnds()
      while (!is('case', 'default', '}')) {
        body.push(...statement())
        skipEnds()
      }
      cases.push({ values, body })
    }
    return { kind: 'switch', of, cases }
  }

  const statement = (): readonly Statement[] => {
    if (take('var') || take('const')) return declarations()
    if (take('type')) {
      name()
      type()
      return []
    }
    if (take('if')) return [condition()]
    if (take('for')) return [loop()]
    if (take('switch')) return [choice()]
    if (take('return')) return [{ kind: 'return', values: is(';', '}') ? [] : list(true) }]
    if (take('break')) return [{ kind: 'jump', word: 'break' }]
    if (take('continue')) return [{ kind: 'jump', word: 'continue' }]
    if (take('defer')) return [{ kind: 'defer', of: expression(true) }]
    if (is('{')) return block()
    return [simple(true)]
  }

  const found: { name: string; value: Expression }[] = []
  while (now().kind !== 'end') {
    if (take('package')) name()
    else if (take('import')) {
      if (is('(')) skipGroup()
      else while (!is(';')) at++
    } else if (take('func')) {
      if (is('(')) skipGroup()
      const own = name()
      if (is('[')) skipGroup()
      const names = signature()
      found.push({ name: own, value: { kind: 'function', names, body: block() } })
    } else
      for (const each of statement())
        if (each.kind === 'assign')
          each.to.forEach((to, nth) => {
            const value = each.from[nth]
            if (to.kind === 'name' && value) found.push({ name: to.name, value })
          })
    skipEnds()
  }
  return { declarations: found }
}

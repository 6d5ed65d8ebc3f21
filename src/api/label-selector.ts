/**
 * The text form of label selectors (`app=web,tier in (a,b),!canary`), read token by token as apimachinery does, so that what
 * cannot be read is told in its words.
 */
import { badRequest } from './errors.ts'
import { goQuote } from './go-quote.ts'
import { labelValueErrors, qualifiedNameErrors } from './names.ts'

/** One clause of a label selector. `gt` and `lt` compare integers. */
export interface Requirement {
  readonly key: string
  readonly operator: 'in' | 'notin' | 'exists' | '!' | 'gt' | 'lt'
  readonly values: readonly string[]
}

type Kind = ')' | ',' | '!' | '==' | '=' | '>' | '<' | 'in' | '!=' | 'notin' | '(' | 'word' | 'end' | 'error'

interface Token {
  readonly kind: Kind
  readonly text: string
}

const symbols: readonly Kind[] = [')', ',', '!', '==', '=', '>', '<', '!=', '(']
const isSymbol = (text: string): text is Kind => symbols.some((symbol) => symbol === text)
const isKeyword = (text: string): text is 'in' | 'notin' => text === 'in' || text === 'notin'

const space = /[ \t\r\n]/
const special = /[=!(),<>]/

/** The longest symbol that begins a run of them. */
const symbolAt = (text: string, start: number): Token => {
  let found = ''
  for (let end = start + 1; end <= text.length && special.test(text[end - 1] ?? ''); end++) {
    const candidate = text.slice(start, end)
    if (isSymbol(candidate)) found = candidate
    else if (found !== '') break
  }
  return isSymbol(found) ? { kind: found, text: found } : { kind: 'error', text: text.slice(start, start + 1) }
}

const wordAt = (text: string, start: number): Token => {
  let end = start
  while (end < text.length && !space.test(text[end] ?? '') && !special.test(text[end] ?? '')) end++
  const word = text.slice(start, end)
  return { kind: isKeyword(word) ? word : 'word', text: word }
}

const end: Token = { kind: 'end', text: '' }

const tokensOf = (text: string): readonly Token[] => {
  const found: Token[] = []
  for (let at = 0; at < text.length; ) {
    if (space.test(text[at] ?? '')) {
      at++
      continue
    }
    const token = special.test(text[at] ?? '') ? symbolAt(text, at) : wordAt(text, at)
    found.push(token)
    at += token.text.length
  }
  return found
}

interface Tokens {
  /** Where a key or a value may stand, `in` and `notin` are words. */
  readonly next: () => Token
  readonly take: () => Token
  /** The next one, where only an operator may stand. */
  readonly takeOperator: () => Token
}

const readerOf = (text: string): Tokens => {
  const tokens = tokensOf(text)
  let at = 0
  const asWord = (token: Token): Token => (isKeyword(token.kind) ? { ...token, kind: 'word' } : token)
  return {
    next: () => asWord(tokens[at] ?? end),
    take: () => asWord(tokens[at++] ?? end),
    takeOperator: () => tokens[at++] ?? end,
  }
}

const found = (token: Token, expected: string): Error => new SyntaxError(`found '${token.text}'${expected}`)

const operators: Readonly<Partial<Record<Kind, Requirement['operator']>>> = {
  ...{ in: 'in', notin: 'notin', '=': 'in', '==': 'in', '!=': 'notin', '>': 'gt', '<': 'lt' },
}

const readList = ({ take, next }: Tokens): readonly string[] => {
  const values = new Set<string>()
  for (;;) {
    const token = take()
    if (token.kind === 'word') {
      values.add(token.text)
      const after = next()
      if (after.kind === ')') return [...values]
      if (after.kind !== ',') throw found(after, ", expected: ',' or ')'")
    } else if (token.kind === ',') {
      if (values.size === 0) values.add('')
      const after = next()
      if (after.kind === ')') return [...values.add('')]
      if (after.kind === ',') {
        take()
        values.add('')
      }
    } else throw found(token, ", expected: ',', or identifier")
  }
}

const readValues = (tokens: Tokens): readonly string[] => {
  const { take, next } = tokens
  const open = take()
  if (open.kind !== '(') throw found(open, " expected: '('")
  const first = next()
  if (first.kind === ')') {
    take()
    return ['']
  }
  if (first.kind !== 'word' && first.kind !== ',') throw found(first, ", expected: ',', ')' or identifier")
  const values = readList(tokens)
  if (take().kind !== ')') throw found(first, ", expected: ')'")
  return values
}

const readValue = ({ take, next }: Tokens): readonly string[] => {
  const token = next()
  if (token.kind === 'end' || token.kind === ',') return ['']
  take()
  if (token.kind !== 'word') throw found(token, ', expected: identifier')
  return [token.text]
}

const int64 = /^[-+]?\d{1,19}$/

const checked = (requirement: Requirement): Requirement => {
  const { key, operator, values } = requirement
  const isOrder = operator === 'gt' || operator === 'lt'
  if (isOrder && !values.every((value) => int64.test(value)))
    throw new SyntaxError("for 'Gt', 'Lt' operators, the value must be an integer")
  for (const value of values.toSorted()) {
    const errors = labelValueErrors(value)
    if (errors.length > 0)
      throw new SyntaxError(`invalid label value: ${goQuote(value)}: at key: ${goQuote(key)}: ${errors.join('; ')}`)
  }
  return requirement
}

const readRequirement = (tokens: Tokens): Requirement => {
  const { take, takeOperator, next } = tokens
  const first = take()
  const isAbsent = first.kind === '!'
  const key = isAbsent ? take() : first
  if (key.kind !== 'word') throw found(key, ', expected: identifier')
  const errors = qualifiedNameErrors(key.text)
  if (errors.length > 0) throw new SyntaxError(`invalid label key ${goQuote(key.text)}: ${errors.join('; ')}`)
  if (isAbsent) return { key: key.text, operator: '!', values: [] }
  if (['end', ','].includes(next().kind)) return { key: key.text, operator: 'exists', values: [] }
  const sign = takeOperator()
  const operator = operators[sign.kind]
  if (!operator) throw found(sign, ", expected: '=', '!=', '==', 'in', notin'")
  return checked({ key: key.text, operator, values: isKeyword(sign.kind) ? readValues(tokens) : readValue(tokens) })
}

/** Throws BadRequest in the API server's words. The empty text has no requirements. */
export const parseRequirements = (text: string): readonly Requirement[] => {
  const tokens = readerOf(text)
  const requirements: Requirement[] = []
  const wrong = (token: Token, expected: string) => badRequest(`found '${token.text}', expected: ${expected}`)
  const isStart = ({ kind }: Token): boolean => kind === 'word' || kind === '!'
  for (;;) {
    const token = tokens.next()
    if (token.kind === 'end') return requirements
    if (!isStart(token)) throw wrong(token, "!, identifier, or 'end of string'")
    try {
      requirements.push(readRequirement(tokens))
    } catch (error) {
      if (error instanceof SyntaxError) throw badRequest(`unable to parse requirement: ${error.message.slice(0, 1024)}`)
      throw error
    }
    const after = tokens.take()
    if (after.kind === 'end') return requirements
    if (after.kind !== ',') throw wrong(after, "',' or 'end of string'")
    if (!isStart(tokens.next())) throw wrong(tokens.next(), "identifier after ','")
  }
}

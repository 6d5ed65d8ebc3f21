/** Paths into an object as CustomResourceDefinitions write them: `.spec.size`, `.status.conditions[?(@.type=="Ready")].status`. Pure. */
import { isJsonObject } from '../../api/json.ts'

type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'item'; readonly at: number }
  | { readonly kind: 'all' }
  | { readonly kind: 'where'; readonly path: readonly Step[]; readonly operator: string; readonly value: unknown }

export type JsonPath = readonly Step[]

const field = /^\.((?:[^.[\]\\]|\\.)+)/
const quoted = /^\[(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\]/
const item = /^\[(-?\d{1,9})\]/
const all = /^(?:\[\*\]|\.\*)/
const where = /^\[\?\(\s*@((?:\.[^\s=!<>)]+)*)\s*(?:(==|!=)\s*(?:'([^']*)'|"([^"]*)"|([^\s)]+)))?\s*\)\]/

const unescaped = (text: string): string => text.replaceAll(/\\(.)/g, '$1')

const literal = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const longest = 1024

/** Undefined for a path that cannot be read. */
export const parseJsonPath = (text: string): JsonPath | undefined => {
  if (text.length > longest) return undefined
  const steps: Step[] = []
  let rest = text.startsWith('{') && text.endsWith('}') ? text.slice(1, -1) : text
  if (rest.startsWith('$')) rest = rest.slice(1)
  while (rest !== '' && rest !== '.') {
    const found = all.exec(rest) ?? where.exec(rest) ?? item.exec(rest) ?? quoted.exec(rest) ?? field.exec(rest)
    if (!found) return undefined
    const [whole, first, second, third, fourth, fifth] = found
    if (all.test(whole)) steps.push({ kind: 'all' })
    else if (where.test(whole)) {
      const path = parseJsonPath(first ?? '')
      if (!path) return undefined
      steps.push({ kind: 'where', path, operator: second ?? '', value: third ?? fourth ?? literal(fifth ?? 'null') })
    } else if (item.test(whole)) steps.push({ kind: 'item', at: Number(first) })
    else steps.push({ kind: 'field', name: unescaped(first ?? second ?? '') })
    rest = rest.slice(whole.length)
  }
  return steps
}

const matches = (value: unknown, { path, operator, value: wanted }: Extract<Step, { kind: 'where' }>): boolean => {
  const found = valuesAt(value, path)
  if (operator === '') return found.length > 0
  return found.some((each) => (each === wanted) === (operator === '=='))
}

const next = (value: unknown, step: Step): readonly unknown[] => {
  switch (step.kind) {
    case 'field':
      return isJsonObject(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : []
    case 'item':
      return Array.isArray(value) && value.length > 0 ? value.slice(step.at).slice(0, 1) : []
    case 'all':
      if (Array.isArray(value)) return value
      return isJsonObject(value) ? Object.values(value) : []
    case 'where':
      return Array.isArray(value) ? value.filter((each) => matches(each, step)) : []
  }
}

/** What stands there: nothing, one value, or several. */
export const valuesAt = (value: unknown, path: JsonPath): readonly unknown[] =>
  path.reduce<readonly unknown[]>((values, step) => values.flatMap((each) => next(each, step)), [value])

/** A copy with another value at a path of fields; what is missing on the way is made. */
export const withValueAt = (value: unknown, path: JsonPath, given: unknown): unknown => {
  const [step, ...rest] = path
  if (step === undefined) return given
  if (step.kind !== 'field') return value
  const object = isJsonObject(value) ? value : {}
  return { ...object, [step.name]: withValueAt(object[step.name], rest, given) }
}

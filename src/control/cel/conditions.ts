/** Expressions in CEL about a write: `object`, `oldObject`, `request`, and what a policy adds. */

import { errorText } from '../../api/errors.ts'
import type { JsonObject } from '../../api/json.ts'
import { compile, createEnvironment, type Environment, type Expression } from './expression.ts'
import { freeValue } from './functions/values.ts'

const variables = ['object', 'oldObject', 'request'] as const

/** `more`: variables of a policy's own. */
const admissionEnvironment = (more: readonly string[] = []): Environment =>
  [...variables, ...more].reduce((env, name) => env.registerVariable(name, 'dyn'), createEnvironment())

export type AdmissionValues = Readonly<Record<string, unknown>>

export const admissionValues = (request: JsonObject, more: JsonObject = {}): AdmissionValues =>
  Object.fromEntries(
    Object.entries({ object: request['object'], oldObject: request['oldObject'], request, ...more }).map(
      ([name, value]) => [name, freeValue(value)],
    ),
  )

/** What is to be evaluated of one write costs no more than this altogether. */
export const conditionBudget = 5_000_000

export interface Conditions {
  /** True when all hold, false when one does not. Throws when neither can be told. */
  hold(values: AdmissionValues, width: number): boolean
}

const plain = admissionEnvironment()

/** For a policy: with its parameters, what it has named, and the namespace. */
export const policyEnvironment: Environment = admissionEnvironment(['params', 'variables', 'namespaceObject'])

const cached = new Map<string, Expression>()
const mostCached = 1_000

const compiled = (text: string, env: Environment): Expression => {
  const key = `${env === plain ? '' : 'policy '}${text}`
  const known = cached.get(key)
  if (known) return known
  const made = compile(env, text, 'bool')
  if (cached.size >= mostCached) cached.clear()
  cached.set(key, made)
  return made
}

/** What keeps an expression from being a condition; undefined when nothing does. */
export const conditionError = (text: string, env: Environment = plain): string | undefined => {
  try {
    compiled(text, env)
    return undefined
  } catch (error) {
    return errorText(error)
  }
}

export const conditionsOf = (
  given: readonly { readonly name: string; readonly expression: string }[],
  env: Environment = plain,
): Conditions => ({
  hold: (values, width) => {
    const errors: string[] = []
    for (const { name, expression } of given) {
      try {
        const condition = compiled(expression, env)
        if (condition.cost(width) > conditionBudget) throw new Error('the expression would take too long')
        // One that does not hold decides, whatever the others are.
        if (condition.evaluate(values) === false) return false
      } catch (error) {
        errors.push(`${name}: ${errorText(error)}`)
      }
    }
    if (errors.length > 0) throw new Error(errors.join(', '))
    return true
  },
})

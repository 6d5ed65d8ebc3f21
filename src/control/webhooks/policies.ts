/** ValidatingAdmissionPolicies: expressions that are asked about every write that their bindings name. */
import { ApiError, errorText, forbidden, internalError } from '../../api/errors.ts'
import type { JsonObject } from '../../api/json.ts'
import { matchLabelSelector } from '../../api/selectors.ts'
import type { KubeObject } from '../../api/types/index.ts'
import type {
  MatchResources,
  ParamRef,
  Validation as Rule,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from '../../api/types/kubernetes/admissionregistration-v1.ts'
import {
  type AdmissionValues,
  admissionValues,
  conditionBudget,
  conditionsOf,
  policyEnvironment,
} from '../cel/conditions.ts'
import { compile, type Expression, ownWords } from '../cel/expression.ts'
import { freeValue, widthOf } from '../cel/functions/values.ts'
import type { Validation } from '../objects/admission.ts'
import {
  validatingAdmissionPolicy,
  validatingAdmissionPolicyBinding,
} from '../resources/admissionregistration/policy.ts'
import { apiVersionOf, bucketOf, inVersion, prepared, type ResourceDefinition } from '../resources/definition.ts'
import {
  type Attributes,
  admissionRequest,
  attributesOf,
  deletionAttributesOf,
  equivalentRows,
  requestAttributesOf,
} from './attributes.ts'
import { followed } from './configurations.ts'
import { isExempt, isQuestion, matchesSelectors, matchingRow } from './match.ts'
import { namespaceLabels, type WebhookContext } from './webhooks.ts'

interface CompiledRule {
  readonly rule: Rule
  readonly expression: Expression
  readonly message: Expression | undefined
}

/** What the audit log is to know of a write. */
interface CompiledNote {
  readonly key: string
  readonly expression: Expression
}

interface Policy {
  readonly policy: ValidatingAdmissionPolicy
  readonly notes: readonly CompiledNote[]
  readonly variables: readonly { readonly name: string; readonly expression: Expression }[]
  readonly rules: readonly CompiledRule[]
}

interface Bound {
  readonly policy: Policy
  readonly binding: ValidatingAdmissionPolicyBinding
}

/** What is kept has compiled when it was written. */
const compilePolicy = (policy: ValidatingAdmissionPolicy): Policy => ({
  policy,
  variables: (policy.spec?.variables ?? []).map(({ name, expression }) => ({
    name,
    expression: compile(policyEnvironment, expression, 'any'),
  })),
  rules: (policy.spec?.validations ?? []).map((rule) => ({
    rule,
    expression: compile(policyEnvironment, rule.expression, 'bool'),
    message: rule.messageExpression ? compile(policyEnvironment, rule.messageExpression, 'string') : undefined,
  })),
  notes: (policy.spec?.auditAnnotations ?? []).map(({ key, valueExpression }) => ({
    key,
    expression: compile(policyEnvironment, valueExpression, 'any'),
  })),
})

const rowFor = (
  match: MatchResources | undefined,
  attributes: Attributes,
  rows: readonly ResourceDefinition[],
): ResourceDefinition | undefined => {
  const own = match?.matchPolicy === 'Exact' ? rows.slice(0, 1) : rows
  if (matchingRow(match?.excludeResourceRules ?? [], attributes, own)) return undefined
  const { resourceRules = [] } = match ?? {}
  return resourceRules.length === 0 ? rows[0] : matchingRow(resourceRules, attributes, own)
}

interface Failure {
  readonly message: string
  readonly reason: string
  /** Which of the policy's expressions. */
  readonly at: number
}

interface Verdict {
  readonly failures: readonly Failure[]
  /** By their keys. */
  readonly notes: readonly (readonly [key: string, value: string])[]
}

const nothing: Verdict = { failures: [], notes: [] }
/** As Kubernetes cuts it. */
const longestNote = 10 * 1024

const codes: Readonly<Record<string, number>> = {
  Forbidden: 403,
  Unauthorized: 401,
  RequestEntityTooLarge: 413,
  Invalid: 422,
}

const refusal = (attributes: Attributes, { message, reason }: Omit<Failure, 'at'>): ApiError => {
  const { row } = attributes.asked
  const { name } = attributes
  const { message: text, details } = forbidden({ group: row.group, plural: row.plural }, name, message, [{ message }])
  return new ApiError(codes[reason] ?? 422, reason, text, details)
}

const messageOf = ({ rule, message }: CompiledRule, values: AdmissionValues): string =>
  ownWords(message, values, rule.message?.trim() || `failed expression: ${rule.expression.trim()}`)

export const admissionPolicies = (context: WebhookContext): Validation => {
  const { store, registry, log } = context
  const policies = followed(store, validatingAdmissionPolicy, (objects) => {
    const all = new Map<string, Policy>()
    for (const object of objects)
      try {
        all.set(object.metadata.name, compilePolicy(object as ValidatingAdmissionPolicy))
      } catch (error) {
        log.error(
          { policy: object.metadata.name, err: error },
          'an admission policy does not compile: it guards nothing; write it anew',
        )
      }
    return all
  })
  const bindings = followed(
    store,
    validatingAdmissionPolicyBinding,
    (objects) => objects as readonly ValidatingAdmissionPolicyBinding[],
  )

  /** The parameters of a binding; undefined where none are wanted. */
  const paramsOf = async (
    { policy: { policy }, binding }: Bound,
    namespace: string | undefined,
  ): Promise<readonly JsonObject[] | undefined> => {
    const { paramKind } = policy.spec ?? {}
    const reference = binding.spec?.paramRef
    if (!paramKind || !reference) return undefined
    const row = registry.definitions.find(
      (each) => each.kind === paramKind.kind && apiVersionOf(each) === paramKind.apiVersion,
    )
    if (!row)
      throw new Error(
        `failed to find resource referenced by paramKind: '${paramKind.apiVersion}, Kind=${paramKind.kind}'`,
      )
    const found = findParams(reference, row, namespace)
    await prepared(row, found, 'shown')
    return found.map((object): JsonObject => ({ ...inVersion(row, object) }))
  }

  const findParams = (
    reference: ParamRef,
    row: ResourceDefinition,
    namespace: string | undefined,
  ): readonly KubeObject[] => {
    const within = row.namespaced ? reference.namespace || namespace : undefined
    const key = (name: string): string => (within === undefined ? name : `${within}/${name}`)
    if (reference.name) {
      const entry = store.get({ bucket: bucketOf(row), name: key(reference.name) })
      return entry ? [entry.object] : []
    }
    const matches = matchLabelSelector(reference.selector ?? {})
    return store
      .list(bucketOf(row))
      .entries.map(({ object }) => object)
      .filter(({ metadata }) => (within === undefined || metadata.namespace === within) && matches(metadata.labels))
  }

  /** What is not there only matters to what asks for it. */
  const withVariables = ({ variables }: Policy, values: AdmissionValues, width: number): AdmissionValues => {
    const known = new Map<string, unknown>()
    for (const { name, expression } of variables) {
      if (expression.cost(width) > conditionBudget) continue
      try {
        known.set(name, expression.evaluate({ ...values, variables: known }))
      } catch (error) {
        log.debug({ variable: name, err: error }, 'a variable of an admission policy has no value')
      }
    }
    return { ...values, variables: known }
  }

  const failuresOf = (policy: Policy, values: AdmissionValues, width: number): readonly Failure[] =>
    policy.rules.flatMap((compiled, at): readonly Failure[] => {
      const { rule, expression } = compiled
      const reason = rule.reason ?? 'Invalid'
      if (expression.cost(width) > conditionBudget) throw new Error('an expression would take too long')
      if (expression.evaluate(values) === true) return []
      return [{ message: messageOf(compiled, values), reason, at }]
    })

  /** A text, or null for nothing. Throws for anything else. */
  const notesOf = ({ notes }: Policy, values: AdmissionValues, width: number): Verdict['notes'] =>
    notes.flatMap(({ key, expression }) => {
      if (expression.cost(width) > conditionBudget) throw new Error('an expression would take too long')
      const value = expression.evaluate(values)
      if (value === null) return []
      if (typeof value !== 'string') throw new Error(`valueExpression of ${key} is no string`)
      const text = value.trim().slice(0, longestNote)
      return text === '' ? [] : [[key, text] as const]
    })

  const judge = async (bound: Bound, attributes: Attributes, row: ResourceDefinition): Promise<Verdict> => {
    const { policy, binding } = bound
    const { namespace } = attributes
    const request = await admissionRequest(attributes, row)
    const width = widthOf(request)
    const namespaceObject =
      namespace === undefined ? null : (store.get({ bucket: 'namespaces', name: namespace })?.object ?? null)
    const base = admissionValues(request, { namespaceObject, params: null })
    const conditions = policy.policy.spec?.matchConditions ?? []
    if (conditions.length > 0 && !conditionsOf(conditions, policyEnvironment).hold(base, width)) return nothing
    const params = await paramsOf(bound, namespace)
    if (params?.length === 0) {
      if (binding.spec?.paramRef?.parameterNotFoundAction !== 'Deny') return nothing
      throw new Error('no params found for policy binding with `Deny` parameterNotFoundAction')
    }
    const verdicts = (params ?? [null]).map((each): Verdict => {
      const values = withVariables(policy, { ...base, params: freeValue(each) }, width)
      const most = Math.max(width, widthOf(each))
      return { failures: failuresOf(policy, values, most), notes: notesOf(policy, values, most) }
    })
    return {
      failures: verdicts.flatMap(({ failures }) => failures),
      notes: verdicts.flatMap(({ notes }) => notes),
    }
  }

  const enforce = (bound: Bound, attributes: Attributes, failures: readonly Failure[], audited: unknown[]): void => {
    const { policy, binding } = bound
    const actions = binding.spec?.validationActions ?? []
    const where = `ValidatingAdmissionPolicy '${policy.policy.metadata.name}' with binding '${binding.metadata.name}'`
    for (const { message, reason, at } of failures) {
      if (actions.includes('Warn')) attributes.asked.warn(`Validation failed for ${where}: ${message}`)
      if (actions.includes('Audit'))
        audited.push({
          message,
          ...{ policy: policy.policy.metadata.name, binding: binding.metadata.name },
          ...{ expressionIndex: at, validationActions: actions },
        })
      if (actions.includes('Deny'))
        throw refusal(attributes, { message: `${where} denied request: ${message}`, reason })
    }
  }

  const isBound = (
    { policy, binding }: Bound,
    attributes: Attributes,
    rows: readonly ResourceDefinition[],
  ): ResourceDefinition | undefined => {
    const labels = namespaceLabels(store, attributes)
    const { matchConstraints } = policy.policy.spec ?? {}
    const { matchResources } = binding.spec ?? {}
    const row = rowFor(matchConstraints, attributes, rows)
    if (!row || !matchesSelectors(matchConstraints ?? {}, attributes, labels)) return undefined
    if (
      matchResources &&
      (!rowFor(matchResources, attributes, rows) || !matchesSelectors(matchResources, attributes, labels))
    )
      return undefined
    return row
  }

  const validate = async (attributes: Attributes | undefined): Promise<void> => {
    const all = bindings()
    if (all.length === 0 || !attributes || isExempt(attributes.asked.row) || isQuestion(attributes.asked.row)) return
    const rows = equivalentRows(registry, attributes.asked.row)
    const audited: unknown[] = []
    const notes = new Map<string, Set<string>>()
    try {
      await enforceAll(all, attributes, rows, audited, notes)
    } finally {
      const { annotate } = attributes.asked
      for (const [key, values] of notes) annotate(key, [...values].join(', '))
      if (audited.length > 0) annotate('validation.policy.admission.k8s.io/validation_failure', JSON.stringify(audited))
    }
  }

  /** `audited` and `notes`: what the audit log is to be told, also of a write that is refused. */
  const enforceAll = async (
    all: readonly ValidatingAdmissionPolicyBinding[],
    attributes: Attributes,
    rows: readonly ResourceDefinition[],
    audited: unknown[],
    notes: Map<string, Set<string>>,
  ): Promise<void> => {
    for (const binding of all) {
      const policy = policies().get(binding.spec?.policyName ?? '')
      if (!policy) continue
      const bound = { policy, binding }
      const row = isBound(bound, attributes, rows)
      if (!row) continue
      let verdict: Verdict
      try {
        verdict = await judge(bound, attributes, row)
      } catch (error) {
        if (policy.policy.spec?.failurePolicy === 'Ignore') continue
        if (error instanceof ApiError && error.code >= 500) throw internalError(errorText(error))
        verdict = { failures: [{ message: errorText(error), reason: 'Invalid', at: 0 }], notes: [] }
      }
      for (const [key, value] of verdict.notes) {
        const name = `${policy.policy.metadata.name}/${key}`
        notes.set(name, (notes.get(name) ?? new Set()).add(value))
      }
      enforce(bound, attributes, verdict.failures, audited)
    }
  }

  return {
    name: 'ValidatingAdmissionPolicy',
    validate: (review) => validate(attributesOf(review)),
    validateDeletion: (review) => validate(deletionAttributesOf(review)),
    validateRequest: (review) => validate(requestAttributesOf(review)),
  }
}

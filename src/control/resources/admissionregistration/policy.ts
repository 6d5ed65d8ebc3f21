/** Admission by expressions in place of webhooks: a policy, and a binding that says where it holds. */
import {
  duplicate,
  errorText,
  type FieldError,
  forbiddenField,
  invalidValue,
  notSupported,
  required,
  tooMany,
} from '../../../api/errors.ts'
import type {
  MatchResources,
  NamedRuleWithOperations,
  ParamRef,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
  ValidatingAdmissionPolicySpec,
  Validation,
  Variable,
} from '../../../api/types/kubernetes/admissionregistration-v1.ts'
import { policyEnvironment } from '../../cel/conditions.ts'
import { compile } from '../../cel/expression.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { validateSelector } from '../metadata.ts'
import { subdomainName } from '../names.ts'
import { repeatedAt } from '../repeated.ts'
import { validateConditions, validateRule } from './webhook.ts'

const expressionErrors = (text: string, field: string, type: 'bool' | 'string' | 'any'): FieldError[] => {
  if (text.trim() === '') return [required(field, 'expression is not specified')]
  try {
    compile(policyEnvironment, text, type)
    return []
  } catch (error) {
    return [invalidValue(field, text, `compilation failed: ERROR: ${errorText(error)}`)]
  }
}

const reasons = ['Forbidden', 'Invalid', 'RequestEntityTooLarge', 'Unauthorized']

const validationErrors = (
  { expression, message = '', messageExpression = '', reason }: Validation,
  field: string,
): FieldError[] => [
  ...expressionErrors(expression, `${field}.expression`, 'bool'),
  ...(/[\r\n]/.test(message)
    ? [invalidValue(`${field}.message`, message, 'message must not contain line breaks')]
    : []),
  ...(messageExpression === '' ? [] : expressionErrors(messageExpression, `${field}.messageExpression`, 'string')),
  ...(reason === undefined || reasons.includes(reason) ? [] : [notSupported(`${field}.reason`, reason, reasons)]),
]

const variableErrors = ({ name, expression }: Variable, field: string): FieldError[] => [
  ...(name === ''
    ? [required(`${field}.name`, 'name is not specified')]
    : /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
      ? []
      : [invalidValue(`${field}.name`, name, 'name is not a valid CEL identifier')]),
  ...expressionErrors(expression, `${field}.expression`, 'any'),
]

const matchErrors = (match: MatchResources, field: string): FieldError[] => [
  ...validateSelector(match.namespaceSelector, `${field}.namespaceSelector`),
  ...validateSelector(match.objectSelector, `${field}.objectSelector`),
  ...(match.resourceRules ?? []).flatMap((rule, at) => validateRule(rule, `${field}.resourceRules[${at}]`)),
  ...(match.excludeResourceRules ?? []).flatMap((rule, at) =>
    validateRule(rule, `${field}.excludeResourceRules[${at}]`),
  ),
]

const most = 64

const validatePolicy = ({ spec }: ValidatingAdmissionPolicy): FieldError[] => {
  const {
    matchConstraints: match,
    validations = [],
    auditAnnotations = [],
    variables = [],
    matchConditions = [],
  } = spec ?? {}
  const { paramKind } = spec ?? {}
  return [
    ...(match ? matchErrors(match, 'spec.matchConstraints') : [required('spec.matchConstraints')]),
    ...((match?.resourceRules ?? []).length === 0 ? [required('spec.matchConstraints.resourceRules')] : []),
    ...(validations.length === 0 && auditAnnotations.length === 0
      ? [required('spec.validations', 'validations or auditAnnotations must be non-empty')]
      : []),
    ...(paramKind && !paramKind.apiVersion ? [required('spec.paramKind.apiVersion')] : []),
    ...(paramKind && !paramKind.kind ? [required('spec.paramKind.kind')] : []),
    ...validations.flatMap((each, at) => validationErrors(each, `spec.validations[${at}]`)),
    ...variables.flatMap((each, at) => variableErrors(each, `spec.variables[${at}]`)),
    ...repeatedAt(variables.map(({ name }) => name)).map((at) =>
      duplicate(`spec.variables[${at}].name`, variables[at]?.name),
    ),
    ...auditAnnotations.flatMap(({ key, valueExpression }, at) => [
      ...(key === '' ? [required(`spec.auditAnnotations[${at}].key`)] : []),
      ...expressionErrors(valueExpression, `spec.auditAnnotations[${at}].valueExpression`, 'any'),
    ]),
    ...tooMany('spec.validations', validations.length, most),
    ...tooMany('spec.variables', variables.length, most),
    ...validateConditions(matchConditions, 'spec.matchConditions', policyEnvironment),
  ]
}

const withScope = (rule: NamedRuleWithOperations): NamedRuleWithOperations => ({ scope: '*', ...rule })

const matchWithDefaults = (match: MatchResources): MatchResources => ({
  ...{ matchPolicy: 'Equivalent', namespaceSelector: {}, objectSelector: {} },
  ...match,
  ...(match.resourceRules ? { resourceRules: match.resourceRules.map(withScope) } : {}),
  ...(match.excludeResourceRules ? { excludeResourceRules: match.excludeResourceRules.map(withScope) } : {}),
})

const policySpec = (spec: ValidatingAdmissionPolicySpec): ValidatingAdmissionPolicySpec => ({
  failurePolicy: 'Fail',
  ...spec,
  ...(spec.matchConstraints ? { matchConstraints: matchWithDefaults(spec.matchConstraints) } : {}),
})

const common = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  namespaced: false,
  categories: ['api-extensions'],
  nameRule: subdomainName,
  generation: true,
}

export const validatingAdmissionPolicy = define<ValidatingAdmissionPolicy>({
  ...common,
  plural: 'validatingadmissionpolicies',
  singular: 'validatingadmissionpolicy',
  kind: 'ValidatingAdmissionPolicy',
  otherVersions: [{ version: 'v1beta1' }],
  status: 'separate',
  columns: [
    nameColumn,
    column('Validations', ({ spec }) => spec?.validations?.length ?? 0, 'How many it has', 'integer'),
    column(
      'ParamKind',
      ({ spec }) => (spec?.paramKind ? `${spec.paramKind.apiVersion}/${spec.paramKind.kind}` : '<unset>'),
      'The kind of its parameters',
    ),
    ageColumn,
  ],
  defaults: (policy) => (policy.spec ? { ...policy, spec: policySpec(policy.spec) } : policy),
  validate: validatePolicy,
})

const actions = ['Audit', 'Deny', 'Warn']

const paramErrors = (
  { name = '', selector, parameterNotFoundAction: action }: ParamRef,
  field: string,
): FieldError[] => [
  ...((name === '') === (selector === undefined) ? [required(field, 'one of name or selector must be specified')] : []),
  ...validateSelector(selector, `${field}.selector`),
  ...(action === undefined
    ? [required(`${field}.parameterNotFoundAction`)]
    : action === 'Allow' || action === 'Deny'
      ? []
      : [notSupported(`${field}.parameterNotFoundAction`, action, ['Allow', 'Deny'])]),
]

const validateBinding = ({ spec }: ValidatingAdmissionPolicyBinding): FieldError[] => {
  const { policyName = '', paramRef, matchResources, validationActions = [] } = spec ?? {}
  const field = 'spec.validationActions'
  return [
    ...(policyName === '' ? [required('spec.policyName')] : []),
    ...(paramRef ? paramErrors(paramRef, 'spec.paramRef') : []),
    ...(matchResources ? matchErrors(matchResources, 'spec.matchResources') : []),
    ...(validationActions.length === 0 ? [required(field, 'at least one validation action is required')] : []),
    ...validationActions.flatMap((action, at) =>
      actions.includes(action) ? [] : [notSupported(`${field}[${at}]`, action, actions)],
    ),
    ...repeatedAt(validationActions).map((at) => duplicate(`${field}[${at}]`, validationActions[at])),
    ...(validationActions.includes('Deny') && validationActions.includes('Warn')
      ? [
          forbiddenField(
            field,
            'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
          ),
        ]
      : []),
  ]
}

export const validatingAdmissionPolicyBinding = define<ValidatingAdmissionPolicyBinding>({
  ...common,
  plural: 'validatingadmissionpolicybindings',
  singular: 'validatingadmissionpolicybinding',
  kind: 'ValidatingAdmissionPolicyBinding',
  otherVersions: [{ version: 'v1beta1' }],
  columns: [
    nameColumn,
    column('PolicyName', ({ spec }) => spec?.policyName ?? '', 'The policy that holds'),
    column(
      'ParamRef',
      ({ spec }) => {
        const { name = '', namespace = '', selector } = spec?.paramRef ?? {}
        if (!spec?.paramRef) return '<unset>'
        return selector ? '<selector>' : namespace === '' ? name : `${namespace}/${name}`
      },
      'Its parameters',
    ),
    ageColumn,
  ],
  defaults: (binding) =>
    binding.spec?.matchResources
      ? { ...binding, spec: { ...binding.spec, matchResources: matchWithDefaults(binding.spec.matchResources) } }
      : binding,
  validate: validateBinding,
})

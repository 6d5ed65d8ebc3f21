/** What is wrong with one webhook, and what it is by default. */

import { duplicate, type FieldError, invalidValue, notSupported, required, tooMany } from '../../../api/errors.ts'
import { checkSubdomain } from '../../../api/names.ts'
import type { KubeObject } from '../../../api/types/index.ts'
import type {
  MatchCondition,
  MutatingWebhook,
  RuleWithOperations,
  ValidatingWebhook,
  WebhookClientConfig,
} from '../../../api/types/kubernetes/admissionregistration-v1.ts'
import { conditionError } from '../../cel/conditions.ts'
import type { Environment } from '../../cel/expression.ts'
import { conversion } from '../conversion.ts'
import type { Conversion } from '../definition.ts'
import { validateSelector } from '../metadata.ts'
import { repeatedAt } from '../repeated.ts'
import { validateClient, validateReviewVersions } from './webhook-client.ts'

export type Webhook = MutatingWebhook | ValidatingWebhook

const harmless = ['None', 'NoneOnDryRun']

const alone = (list: readonly string[], field: string, others: string): FieldError[] =>
  list.length > 1 && list.includes('*')
    ? [invalidValue(field, list, `if '*' is present, must not specify other ${others}`)]
    : []

const validateResources = (resources: readonly string[], field: string): FieldError[] => {
  const seen = new Set<string>()
  const clashes = resources.flatMap((text, at) => {
    if (text === '') return [required(`${field}[${at}]`)]
    const [resource = '', sub] = text.split(/\/(.*)/s)
    if (sub === undefined) return []
    const wrong = [`${resource}/*`, `*/${sub}`].filter((wide) => seen.has(wide))
    if (sub === '*' || resource === '*') seen.add(text)
    return wrong.map((wide) =>
      invalidValue(`${field}[${at}]`, text, `if '${wide}' is present, must not specify ${text}`),
    )
  })
  const isPlain = (text: string): boolean => text !== '*' && !text.includes('/')
  return [
    ...(resources.length === 0 ? [required(field)] : []),
    ...clashes,
    ...(resources.length > 1 && resources.includes('*/*')
      ? [invalidValue(field, resources, "if '*/*' is present, must not specify other resources")]
      : []),
    ...(resources.includes('*') && resources.some(isPlain)
      ? [invalidValue(field, resources, "if '*' is present, must not specify other resources without subresources")]
      : []),
  ]
}

export const validateRule = (rule: RuleWithOperations, field: string): FieldError[] => {
  const { operations = [], apiGroups = [], apiVersions = [], resources = [] } = rule
  return [
    ...(operations.length === 0 ? [required(`${field}.operations`)] : []),
    ...alone(operations, `${field}.operations`, 'operations'),
    ...(apiGroups.length === 0 ? [required(`${field}.apiGroups`)] : []),
    ...alone(apiGroups, `${field}.apiGroups`, 'API groups'),
    ...(apiVersions.length === 0 ? [required(`${field}.apiVersions`)] : []),
    ...alone(apiVersions, `${field}.apiVersions`, 'API versions'),
    ...apiVersions.flatMap((version, at) => (version === '' ? [required(`${field}.apiVersions[${at}]`)] : [])),
    ...validateResources(resources, `${field}.resources`),
  ]
}

/** A name with a domain: `hook.example.com`. */
const validateName = (name: string, field: string): FieldError[] => {
  if (name === '') return [required(field)]
  const message = checkSubdomain(name)
  if (message !== undefined) return [invalidValue(field, name, message)]
  return name.split('.').length < 3
    ? [invalidValue(field, name, 'should be a domain with at least three segments separated by dots')]
    : []
}

const validateSideEffects = (effects: string | undefined, field: string, more: readonly string[]): FieldError[] => {
  const known = [...harmless, ...more]
  if (effects === undefined) return [required(field, `must specify one of ${known.join(', ')}`)]
  return known.includes(effects) ? [] : [notSupported(field, effects, known)]
}

const mostConditions = 64

export const validateConditions = (
  conditions: readonly MatchCondition[],
  field: string,
  env?: Environment,
): FieldError[] => [
  ...tooMany(field, conditions.length, mostConditions),
  ...conditions.flatMap(({ name, expression }, at) => {
    const message = expression === '' ? undefined : conditionError(expression, env)
    return [
      ...(name === '' ? [required(`${field}[${at}].name`)] : []),
      ...(expression === '' ? [required(`${field}[${at}].expression`)] : []),
      ...(message === undefined
        ? []
        : [invalidValue(`${field}[${at}].expression`, expression, `compilation failed: ERROR: ${message}`)]),
    ]
  }),
  ...repeatedAt(conditions.map(({ name }) => name || undefined)).map((at) =>
    duplicate(`${field}[${at}].name`, conditions[at]?.name),
  ),
]

const validateWebhook = (webhook: Webhook, field: string, effects: readonly string[]): FieldError[] => {
  const { timeoutSeconds: seconds = 10 } = webhook
  return [
    ...validateName(webhook.name ?? '', `${field}.name`),
    ...(webhook.rules ?? []).flatMap((rule, at) => validateRule(rule, `${field}.rules[${at}]`)),
    ...validateSideEffects(webhook.sideEffects, `${field}.sideEffects`, effects),
    ...(seconds < 1 || seconds > 30
      ? [invalidValue(`${field}.timeoutSeconds`, seconds, 'the timeout value must be between 1 and 30 seconds')]
      : []),
    ...(webhook.failurePolicy === '' ? [notSupported(`${field}.failurePolicy`, '', ['Fail', 'Ignore'])] : []),
    ...(webhook.rules ?? []).flatMap(({ scope }, at) =>
      scope === '' ? [notSupported(`${field}.rules[${at}].scope`, '', ['*', 'Cluster', 'Namespaced'])] : [],
    ),
    ...(webhook.matchPolicy === '' ? [notSupported(`${field}.matchPolicy`, '', ['Equivalent', 'Exact'])] : []),
    ...validateSelector(webhook.namespaceSelector, `${field}.namespaceSelector`),
    ...validateSelector(webhook.objectSelector, `${field}.objectSelector`),
    ...validateClient(webhook.clientConfig, `${field}.clientConfig`),
    ...validateReviewVersions(webhook.admissionReviewVersions ?? [], `${field}.admissionReviewVersions`),
    ...validateConditions(webhook.matchConditions ?? [], `${field}.matchConditions`),
  ]
}

/** `effects`: side effects that are allowed beside none. */
export const validateWebhooks = (webhooks: readonly Webhook[], ...effects: readonly string[]): FieldError[] => {
  const names = webhooks.map(({ name }) => name || undefined)
  return [
    ...webhooks.flatMap((webhook, at) => validateWebhook(webhook, `webhooks[${at}]`, effects)),
    ...repeatedAt(names).map((at) => duplicate(`webhooks[${at}].name`, names[at])),
  ]
}

const clientWithDefaults = ({ service, ...client }: WebhookClientConfig): WebhookClientConfig =>
  service ? { ...client, service: { port: 443, ...service } } : client

export const withWebhookDefaults = <T extends Webhook>(webhook: T): T => ({
  ...{ failurePolicy: 'Fail', matchPolicy: 'Equivalent', timeoutSeconds: 10 },
  ...{ namespaceSelector: {}, objectSelector: {} },
  ...webhook,
  clientConfig: clientWithDefaults(webhook.clientConfig),
  ...(webhook.rules ? { rules: webhook.rules.map((rule) => ({ scope: '*', ...rule })) } : {}),
})

/** v1beta1 fills in otherwise what a webhook does not say. */
const betaDefaults = {
  ...{ failurePolicy: 'Ignore', matchPolicy: 'Exact', timeoutSeconds: 30, sideEffects: 'Unknown' },
  admissionReviewVersions: ['v1beta1'],
}

type Configuration = KubeObject & { readonly webhooks?: readonly Webhook[] }

const withBetaDefaults = (webhook: Webhook): Webhook => ({
  ...betaDefaults,
  ...webhook,
  admissionReviewVersions:
    webhook.admissionReviewVersions?.length > 0
      ? webhook.admissionReviewVersions
      : betaDefaults.admissionReviewVersions,
})

export const webhooksV1beta1: Conversion = conversion<Configuration, Configuration>({
  toStored: (configuration) =>
    configuration.webhooks
      ? { ...configuration, webhooks: configuration.webhooks.map(withBetaDefaults) }
      : configuration,
  fromStored: (configuration) => configuration,
})

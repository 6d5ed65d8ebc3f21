import { type FieldError, forbiddenField } from '../../../api/errors.ts'
import type {
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
} from '../../../api/types/kubernetes/admissionregistration-v1.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { subdomainName } from '../names.ts'
import { validateWebhooks, withWebhookDefaults } from './webhook.ts'

type Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration

/** Who relies on a webhook must not be told that it guards anything while nobody calls it. */
const validate = ({ webhooks = [] }: Configuration): FieldError[] =>
  webhooks.length === 0
    ? []
    : [
        ...validateWebhooks(webhooks),
        forbiddenField('webhooks', 'this server calls no admission webhooks: what they guard would be unguarded'),
      ]

const common = {
  group: 'admissionregistration.k8s.io',
  version: 'v1',
  namespaced: false,
  categories: ['api-extensions'],
  nameRule: subdomainName,
  generation: true,
  updateNeedsVersion: true,
  columns: [
    nameColumn,
    column<Configuration>('Webhooks', ({ webhooks = [] }) => webhooks.length, 'How many it has', 'integer'),
    ageColumn,
  ],
  validate,
}

export const mutatingWebhookConfiguration = define<MutatingWebhookConfiguration>({
  ...common,
  plural: 'mutatingwebhookconfigurations',
  singular: 'mutatingwebhookconfiguration',
  kind: 'MutatingWebhookConfiguration',
  defaults: (configuration) =>
    configuration.webhooks
      ? {
          ...configuration,
          webhooks: configuration.webhooks.map((webhook) => ({
            reinvocationPolicy: 'Never',
            ...withWebhookDefaults(webhook),
          })),
        }
      : configuration,
})

export const validatingWebhookConfiguration = define<ValidatingWebhookConfiguration>({
  ...common,
  plural: 'validatingwebhookconfigurations',
  singular: 'validatingwebhookconfiguration',
  kind: 'ValidatingWebhookConfiguration',
  defaults: (configuration) =>
    configuration.webhooks
      ? { ...configuration, webhooks: configuration.webhooks.map(withWebhookDefaults) }
      : configuration,
})

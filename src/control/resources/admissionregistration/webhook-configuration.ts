import type { FieldError } from '../../../api/errors.ts'
import type {
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
} from '../../../api/types/kubernetes/admissionregistration-v1.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { define } from '../definition.ts'
import { subdomainName } from '../names.ts'
import { validateWebhooks, webhooksV1beta1, withWebhookDefaults } from './webhook.ts'

type Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration

const validate = ({ webhooks = [] }: Configuration): FieldError[] => validateWebhooks(webhooks)

/** Webhooks of before v1 may have effects that nobody knows of. */
const validateBeta = ({ webhooks = [] }: Configuration): FieldError[] => validateWebhooks(webhooks, 'Unknown', 'Some')

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
  otherVersions: [{ version: 'v1beta1', convert: webhooksV1beta1, validate: validateBeta }],
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

/** The form of every text of this group's kinds. */
import {
  conditionReason,
  type FieldFormats,
  free,
  label,
  line,
  port,
  qualifiedName,
  urlPath,
} from '../formats/formats.ts'
import { byKind, message, object, status } from '../formats/words.ts'

const shown = free('published to clients as it is')
const ofSchema = byKind
const json = free('a value of the objects that the schema describes')

export const apiextensionsFormats: FieldFormats = {
  'apiextensions/v1.CustomResourceDefinition': object,
  'apiextensions/v1.CustomResourceDefinitionSpec': { group: byKind, scope: byKind },
  'apiextensions/v1.CustomResourceDefinitionNames': {
    ...{ plural: byKind, singular: byKind, shortNames: byKind },
    ...{ kind: byKind, listKind: byKind, categories: byKind },
  },
  'apiextensions/v1.CustomResourceDefinitionVersion': { name: byKind, deprecationWarning: byKind },
  'apiextensions/v1.CustomResourceColumnDefinition': {
    ...{ name: line, type: byKind, format: byKind, description: line, jsonPath: byKind },
  },
  'apiextensions/v1.CustomResourceSubresourceScale': {
    ...{ specReplicasPath: byKind, statusReplicasPath: byKind, labelSelectorPath: byKind },
  },
  'apiextensions/v1.SelectableField': { jsonPath: byKind },
  'apiextensions/v1.CustomResourceConversion': { strategy: byKind },
  'apiextensions/v1.WebhookConversion': { conversionReviewVersions: byKind },
  'apiextensions/v1.WebhookClientConfig': { url: byKind },
  'apiextensions/v1.ServiceReference': { name: label, namespace: label, path: urlPath, port },
  'apiextensions/v1.CustomResourceDefinitionStatus': { storedVersions: byKind },
  'apiextensions/v1.CustomResourceDefinitionCondition': {
    type: qualifiedName,
    status,
    reason: conditionReason,
    message,
  },
  'apiextensions/v1.ExternalDocumentation': { description: shown, url: shown },
  'apiextensions/v1.ValidationRule': {
    ...{ rule: ofSchema, message: free('told to whoever breaks the rule'), messageExpression: ofSchema },
    ...{ reason: ofSchema, fieldPath: ofSchema },
  },
  'apiextensions/v1.JSONSchemaProps': {
    ...{
      id: ofSchema,
      $schema: shown,
      $ref: ofSchema,
      description: shown,
      type: ofSchema,
      format: shown,
      title: shown,
    },
    ...{
      default: json,
      enum: json,
      example: json,
      pattern: free('an RE2 pattern, which the kind compiles'),
      required: json,
    },
    ...{ items: ofSchema, additionalProperties: ofSchema, additionalItems: ofSchema, dependencies: ofSchema },
    ...{
      'x-kubernetes-list-map-keys': json,
      'x-kubernetes-list-type': ofSchema,
      'x-kubernetes-map-type': ofSchema,
    },
  },
}

/** The form of every text of this group's kinds. */
import {
  annotations,
  conditionReason,
  type FieldFormats,
  fieldSet,
  groupVersion,
  label,
  labelOperator,
  labels,
  labelValue,
  line,
  objectName,
  oneOf,
  onList,
  qualifiedName,
  word,
} from '../formats/formats.ts'
import { lookedUp, message, status } from '../formats/words.ts'

export const metaFormats: FieldFormats = {
  // Metadata, and what refers to objects.
  'meta/v1.ObjectMeta': {
    name: objectName,
    generateName: objectName,
    namespace: label,
    labels,
    annotations,
    finalizers: onList(qualifiedName),
    resourceVersion: word,
    selfLink: word,
    uid: word,
  },
  'meta/v1.OwnerReference': { apiVersion: lookedUp, kind: lookedUp, name: objectName, uid: word },
  'meta/v1.ManagedFieldsEntry': {
    apiVersion: groupVersion,
    fieldsType: oneOf('FieldsV1'),
    fieldsV1: fieldSet,
    manager: line,
    operation: oneOf('Apply', 'Update'),
    subresource: word,
  },
  'meta/v1.LabelSelector': { matchLabels: labels },
  'meta/v1.LabelSelectorRequirement': { key: qualifiedName, operator: labelOperator, values: labelValue },
  'meta/v1.Condition': { type: qualifiedName, status, reason: conditionReason, message },
}

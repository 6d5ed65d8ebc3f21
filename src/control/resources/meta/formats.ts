/** The form of every text of this group's kinds. */
import {
  annotations,
  conditionReason,
  type FieldFormats,
  fieldSet,
  groupVersion,
  kindName,
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
import { message, status } from '../formats/words.ts'

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
  'meta/v1.OwnerReference': { apiVersion: groupVersion, kind: kindName, name: objectName, uid: word },
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

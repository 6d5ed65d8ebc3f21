/** The form of every text of this group's kinds. */
import { type FieldFormats, label, port, qualifiedName } from '../formats/formats.ts'
import { byKind, legacyCondition, object } from '../formats/words.ts'

export const apiregistrationFormats: FieldFormats = {
  'apiregistration/v1.APIService': object,
  'apiregistration/v1.APIServiceSpec': { group: byKind, version: byKind },
  'apiregistration/v1.ServiceReference': { namespace: label, name: label, port },
  'apiregistration/v1.APIServiceCondition': { ...legacyCondition, type: qualifiedName },
}

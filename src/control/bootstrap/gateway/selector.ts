/** A label selector, which its users read with what Kubernetes reads them with: no form is asked of it. Pure. */
import { atomicList, map, object, type Schema, text } from './schema.ts'

const requirement = object(
  'LabelSelectorRequirement is a demand on one label.',
  {
    key: text('The key of the label.'),
    operator: text('In, NotIn, Exists or DoesNotExist.'),
    values: atomicList('The values for In and NotIn.', text('A value of the label.')),
  },
  ['key', 'operator'],
)

export const selector = (description: string): Schema => ({
  ...object(description, {
    matchExpressions: atomicList('Demands that all must be fulfilled.', requirement),
    matchLabels: map('Labels that must all be there.', text('The value of the label.')),
  }),
  'x-kubernetes-map-type': 'atomic',
})

/** The form of every text of this group's kinds. */
import { type FieldFormats, objectName } from '../formats/formats.ts'
import { byKind, object } from '../formats/words.ts'

export const policyFormats: FieldFormats = {
  'policy/v1.PodDisruptionBudget': object,
  'policy/v1.PodDisruptionBudgetSpec': {
    ...{ maxUnavailable: byKind, minAvailable: byKind, unhealthyPodEvictionPolicy: byKind },
  },
  'policy/v1.PodDisruptionBudgetStatus': {
    disruptedPods: {
      freeValues: 'times, which are read when the body is',
      entry: (key, _value, field) => ('check' in objectName ? objectName.check(key, field) : []),
    },
  },
}

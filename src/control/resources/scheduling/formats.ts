/** The form of every text of this group's kinds. */
import { type FieldFormats, oneOf } from '../formats/formats.ts'
import { message, object } from '../formats/words.ts'

export const schedulingFormats: FieldFormats = {
  'scheduling/v1.PriorityClass': {
    ...object,
    description: message,
    preemptionPolicy: oneOf('Never', 'PreemptLowerPriority'),
  },
}

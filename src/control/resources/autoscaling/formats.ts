/** The form of every text of this group's kinds. */
import { type FieldFormats, line } from '../formats/formats.ts'
import { object } from '../formats/words.ts'

export const autoscalingFormats: FieldFormats = {
  'autoscaling/v1.Scale': object,
  'autoscaling/v1.ScaleStatus': { selector: line },
}

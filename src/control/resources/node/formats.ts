/** The form of every text of this group's kinds. */
import { type FieldFormats, label, labels, resources } from '../formats/formats.ts'
import { object } from '../formats/words.ts'

export const nodeFormats: FieldFormats = {
  'node/v1.RuntimeClass': { ...object, handler: label },
  'node/v1.Overhead': { podFixed: resources },
  'node/v1.Scheduling': { nodeSelector: labels },
}

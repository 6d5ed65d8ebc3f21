/** The form of every text of this group's kinds. */
import { type FieldFormats, qualifiedName, word } from '../formats/formats.ts'
import { object } from '../formats/words.ts'

export const coordinationFormats: FieldFormats = {
  'coordination/v1.Lease': object,
  'coordination/v1.LeaseSpec': { holderIdentity: word, preferredHolder: word, strategy: qualifiedName },
}

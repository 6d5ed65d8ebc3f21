/** The form of every text of this group's kinds. */
import { type FieldFormats, free } from '../formats/formats.ts'
import { object } from '../formats/words.ts'

const asked = free('what is asked is any text, and kept nowhere')

export const authenticationFormats: FieldFormats = {
  'authentication/v1.TokenReview': { ...object },
  'authentication/v1.SelfSubjectReview': { ...object },
  'authentication/v1.TokenReviewSpec': { token: asked, audiences: asked },
  'authentication/v1.TokenReviewStatus': { audiences: asked, error: asked },
  'authentication/v1.UserInfo': { username: asked, uid: asked, groups: asked, extra: asked },
}

/** `POST tokenreviews`: whose token it is, asked by whoever lets others in by tokens of this cluster. */
import { badRequest, isUnauthorized } from '../../api/errors.ts'
import type { TokenReview } from '../../api/types/kubernetes/authentication-v1.ts'
import type { Authenticate } from '../auth/authenticate.ts'
import { infoOf, type User } from '../auth/user.ts'
import type { Objects } from '../objects/objects.ts'
import { inVersion } from '../resources/definition.ts'
import type { FindAccountUser, KnownToken } from '../tokens/account-users.ts'
import { objectAnswer } from './call.ts'
import { readObject } from './input.ts'
import type { QuestionHandler } from './resources.ts'
import { admittedRequest } from './write-options.ts'

export interface TokenReviewOptions {
  readonly objects: Pick<Objects, 'admit'>
  readonly authenticate: Authenticate
  readonly findAccount: FindAccountUser
  /** Those of the API: all tokens but those of ServiceAccounts are for it, and for nobody else. */
  readonly audiences: readonly string[]
}

const unknown = { user: {}, error: 'invalid bearer token' }

export const tokenReviews = ({
  objects,
  authenticate,
  findAccount,
  audiences,
}: TokenReviewOptions): QuestionHandler => {
  const findOther = async (token: string, wanted: readonly string[]): Promise<KnownUser | undefined> => {
    const own = audiences.filter((audience) => wanted.includes(audience))
    if (own.length === 0) return undefined
    try {
      return { user: await authenticate({ authorization: `Bearer ${token}` }), audiences: own }
    } catch (error) {
      if (isUnauthorized(error)) return undefined
      throw error
    }
  }

  return async (call, request, definition) => {
    const { object: given, warnings } = await readObject(definition, await call.body(), call.query)
    const { object, told } = await admittedRequest(objects, call, request, definition, {
      ...{ operation: 'create', object: given },
    })
    const { token = '', audiences: asked = [] } = (object as TokenReview).spec
    if (token === '') throw badRequest('token is required for TokenReview in authentication')
    const wanted = asked.length > 0 ? asked : audiences
    const known = (await findAccount(token, wanted)) ?? (await findOther(token, wanted))
    const status = known ? { authenticated: true, user: infoOf(known.user), audiences: known.audiences } : unknown
    const answered = { ...object, kind: definition.kind, status }
    return objectAnswer(inVersion(definition, answered), 201, [...warnings, ...told])
  }
}

type KnownUser = Pick<KnownToken, 'audiences'> & { readonly user: User }

/** Answers to whoever asks what they, or somebody else, may do, and who they are. */
import { badRequest, invalid } from '../../api/errors.ts'
import type { KubeObject } from '../../api/types/index.ts'
import type {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SelfSubjectAccessReviewSpec,
  SelfSubjectRulesReview,
  SubjectAccessReview,
} from '../../api/types/kubernetes/authorization-v1.ts'
import type { Access, Authorizer } from '../auth/authorizer.ts'
import { infoOf, type User } from '../auth/user.ts'
import type { Authorization } from '../authorization/authorizers.ts'
import type { Objects } from '../objects/objects.ts'
import { asShown } from '../registry/validate.ts'
import type { ResourceRequest } from '../request/request-info.ts'
import { inVersion, kindOf, type ResourceDefinition } from '../resources/definition.ts'
import { type Answer, type Call, objectAnswer } from './call.ts'
import { readObject } from './input.ts'
import type { QuestionHandler } from './resources.ts'
import { admittedRequest } from './write-options.ts'

const accessOf = ({ resourceAttributes, nonResourceAttributes = {} }: SelfSubjectAccessReviewSpec): Access => {
  if (!resourceAttributes)
    return { kind: 'path', verb: nonResourceAttributes.verb ?? '', path: nonResourceAttributes.path ?? '' }
  const { verb = '', group = '', version = '', resource = '', namespace, subresource, name } = resourceAttributes
  return {
    ...{ kind: 'resource', verb, group, version, plural: resource },
    ...{ namespace: namespace || undefined, subresource: subresource || undefined, name: name || undefined },
  }
}

const statusOf = async (authorizer: Authorizer, user: User, spec: SelfSubjectAccessReviewSpec) => {
  const { decision, reason } = await authorizer.authorize({ user, request: accessOf(spec), labelSelector: '' })
  return {
    allowed: decision === 'allow',
    ...(decision === 'deny' ? { denied: true } : {}),
    ...(reason === undefined ? {} : { reason }),
  }
}

interface Question<T> {
  readonly object: T
  readonly answer: (status: object) => Answer
}

/** The question, and how it is answered: in the version in which it was asked. Throws Invalid. */
const readWith =
  (objects: Pick<Objects, 'admit'>) =>
  async <T extends KubeObject>(
    call: Call,
    request: ResourceRequest,
    definition: ResourceDefinition,
  ): Promise<Question<T>> => {
    const { object: given, warnings } = await readObject(definition, await call.body(), call.query)
    const { object, told } = await admittedRequest(objects, call, request, definition, {
      ...{ operation: 'create', object: given },
    })
    const errors = kindOf(definition).validate?.({ ...object, metadata: object.metadata ?? {} }) ?? []
    if (errors.length > 0) throw invalid(definition, '', asShown(definition, errors))
    return {
      object: object as T,
      answer: (status) =>
        objectAnswer(inVersion(definition, { ...object, kind: definition.kind, ...{ status } }), 201, [
          ...warnings,
          ...told,
        ]),
    }
  }

const userOf = ({ spec }: SubjectAccessReview): User => ({
  name: spec.user ?? '',
  groups: spec.groups ?? [],
  ...(spec.uid === undefined ? {} : { uid: spec.uid }),
  ...(spec.extra ? { extra: spec.extra } : {}),
})

export const accessReviews = (
  objects: Pick<Objects, 'admit'>,
  { authorizer }: Pick<Authorization, 'authorizer'>,
): Record<string, QuestionHandler> => {
  const read = readWith(objects)
  return {
    'subjectaccessreviews.authorization.k8s.io': async (call, request, definition) => {
      const { object, answer } = await read<SubjectAccessReview>(call, request, definition)
      return answer(await statusOf(authorizer, userOf(object), object.spec))
    },

    'localsubjectaccessreviews.authorization.k8s.io': async (call, request, definition) => {
      const { namespace } = request
      const { object, answer } = await read<LocalSubjectAccessReview>(call, request, definition)
      if (object.metadata.namespace !== namespace)
        throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${namespace}`)
      return answer(await statusOf(authorizer, userOf(object), object.spec))
    },

    'selfsubjectaccessreviews.authorization.k8s.io': async (call, request, definition) => {
      const { object, answer } = await read<SelfSubjectAccessReview>(call, request, definition)
      return answer(await statusOf(authorizer, call.user, object.spec))
    },

    'selfsubjectrulesreviews.authorization.k8s.io': async (call, request, definition) => {
      const { object, answer } = await read<SelfSubjectRulesReview>(call, request, definition)
      const { namespace = '' } = object.spec ?? {}
      if (namespace === '') throw badRequest('no namespace on request')
      const { resourceRules, nonResourceRules, problems } = authorizer.rules(call.user, namespace)
      const incomplete = problems.length > 0
      const told = incomplete ? { evaluationError: problems.join(', ') } : {}
      return answer({ resourceRules, nonResourceRules, incomplete, ...told })
    },

    'selfsubjectreviews.authentication.k8s.io': async (call, request, definition) => {
      const { answer } = await read(call, request, definition)
      return answer({ userInfo: infoOf(call.user) })
    },
  }
}

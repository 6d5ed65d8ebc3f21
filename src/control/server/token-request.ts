/** `POST serviceaccounts/NAME/token`: a token of the account, bound to a Pod, Secret or Node where that is asked for. */
import { formatTime } from '../../api/clock.ts'
import { badRequest, conflict, type FieldError, invalid, invalidValue, isNotFound } from '../../api/errors.ts'
import type { KubeObject, Pod } from '../../api/types/index.ts'
import type { BoundObjectReference, TokenRequest } from '../../api/types/kubernetes/authentication-v1.ts'
import type { Objects } from '../objects/objects.ts'
import { secret as secrets } from '../resources/core/config.ts'
import { node as nodes } from '../resources/core/node.ts'
import { pod as pods } from '../resources/core/pod.ts'
import type { ResourceDefinition } from '../resources/definition.ts'
import type { TokenIssuer } from '../tokens/account-tokens.ts'
import type { Bound, ObjectReference } from '../tokens/claims.ts'
import { objectAnswer } from './call.ts'
import { checkName, readTyped } from './input.ts'
import type { SubresourceHandler } from './resources.ts'
import { admittedRequest } from './write-options.ts'

const type = {
  kind: 'TokenRequest',
  apiVersion: 'authentication.k8s.io/v1',
  schemaType: 'authentication/v1.TokenRequest',
} as const

const defaultSeconds = 3600
const leastSeconds = 600
const mostSeconds = 2 ** 32

const wrongSeconds = (seconds: number): readonly FieldError[] => {
  const refuse = (why: string) => [invalidValue('spec.expirationSeconds', seconds, `may not specify a duration ${why}`)]
  if (seconds < leastSeconds) return refuse('less than 10 minutes')
  return seconds > mostSeconds ? refuse('larger than 2^32 seconds') : []
}

/** What a token may be bound to, by the name of its claim. */
const bindable: readonly { readonly claim: keyof Bound; readonly definition: ResourceDefinition }[] = [
  { claim: 'pod', definition: pods },
  { claim: 'secret', definition: secrets },
  { claim: 'node', definition: nodes },
]

const textOf = ({ apiVersion = '', kind = '' }: BoundObjectReference): string => {
  const [group, version] = apiVersion.includes('/') ? apiVersion.split('/') : ['', apiVersion]
  return `${group}/${version}, Kind=${kind}`
}

const referenceTo = ({ metadata: { name, uid = '' } }: KubeObject): ObjectReference => ({ name, uid })

/** As admission sees it: with its defaults, and with what the URL says. */
const withDefaults = (
  given: TokenRequest,
  place: { readonly name: string; readonly namespace: string },
): TokenRequest => ({
  ...given,
  metadata: { ...given.metadata, ...place },
  spec: { ...given.spec, expirationSeconds: given.spec.expirationSeconds ?? defaultSeconds },
})

export const tokenRequest =
  (objects: Objects, issuer: TokenIssuer): SubresourceHandler =>
  async (call, request, definition) => {
    const { namespace = '', name } = request
    const get = (kind: ResourceDefinition, of: string): KubeObject =>
      objects.get(kind, { namespace: kind.namespaced ? namespace : undefined, name: of })

    const nodeOfPod = ({ spec: { nodeName } }: Pod): Pick<Bound, 'node'> => {
      if (!nodeName) return {}
      try {
        return { node: referenceTo(get(nodes, nodeName)) }
      } catch (error) {
        if (!isNotFound(error)) throw error
        return {}
      }
    }

    const boundTo = (ref: BoundObjectReference): Bound => {
      const found = bindable.find(({ definition: { kind } }) => ref.apiVersion === 'v1' && ref.kind === kind)
      if (!found) throw badRequest(`cannot bind token to object of type ${textOf(ref)}`)
      const object = get(found.definition, ref.name ?? '')
      if (found.claim === 'pod' && (object as Pod).spec.serviceAccountName !== name)
        throw badRequest(
          `cannot bind token for serviceaccount ${JSON.stringify(name)} to pod running with different serviceaccount name.`,
        )
      if (ref.uid && ref.uid !== object.metadata.uid)
        throw conflict(
          { group: '', plural: found.definition.kind },
          ref.name ?? '',
          `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
        )
      const bound = { [found.claim]: referenceTo(object) }
      return found.claim === 'pod' ? { ...bound, ...nodeOfPod(object as Pod) } : bound
    }

    const { object: given, warnings } = readTyped(await call.body(), type, call.query)
    checkName(given.metadata?.name, name)
    if (given.metadata?.namespace && given.metadata.namespace !== namespace)
      throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`)
    const { object, told } = await admittedRequest(objects, call, request, definition, {
      ...{ operation: 'create', type, object: withDefaults(given as TokenRequest, { name, namespace }) },
    })
    const { spec } = object as TokenRequest
    const account = get(definition, name)
    const seconds = spec.expirationSeconds ?? defaultSeconds
    const wrong = wrongSeconds(seconds)
    if (wrong.length > 0) throw invalid({ group: 'authentication.k8s.io', kind: type.kind }, '', wrong)

    const ref = spec.boundObjectRef
    const bound = ref ? boundTo(ref) : {}
    const audiences = spec.audiences.length > 0 ? spec.audiences : issuer.audiences
    const issued = await issuer.issue({ namespace, account: referenceTo(account), bound, audiences }, seconds)
    return objectAnswer(
      {
        ...{ kind: type.kind, apiVersion: type.apiVersion },
        metadata: { name, namespace, creationTimestamp: formatTime(issued.issuedAt) },
        spec: { audiences, expirationSeconds: seconds, boundObjectRef: ref ?? null },
        status: { token: issued.token, expirationTimestamp: formatTime(issued.endsAt) },
      },
      201,
      [...warnings, ...told],
    )
  }

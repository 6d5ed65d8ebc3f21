/** Versions of a custom kind that only its author can tell into each other: their webhook is asked. */
import { randomUUID } from 'node:crypto'
import { type ApiError, errorText, internalError } from '../../api/errors.ts'
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import type { KubeObject } from '../../api/types/index.ts'
import type { CustomResourceDefinition } from '../../api/types/kubernetes/apiextensions-v1.ts'
import { reviewVersionOf } from '../resources/admissionregistration/webhook-client.ts'
import type { WebhookClient } from '../webhooks/client.ts'
import type { ConvertObjects } from './kind.ts'

const timeoutMs = 30_000
/** So many objects go in one request: an answer of any list stays within its bounds. */
const batch = 50

const kindOfReview = 'ConversionReview'

/** Whoever converts may change labels and annotations, and nothing else of what every object has. */
const withOwnMetadata = (object: KubeObject, converted: JsonObject): KubeObject => {
  const { labels, annotations, ...metadata } = object.metadata
  const given = isJsonObject(converted['metadata']) ? converted['metadata'] : {}
  const texts = (name: string) => (isJsonObject(given[name]) ? { [name]: given[name] } : {})
  return {
    ...converted,
    apiVersion: String(converted['apiVersion']),
    kind: object.kind,
    metadata: { ...metadata, ...texts('labels'), ...texts('annotations') },
  }
}

const same = (object: KubeObject, converted: JsonObject): boolean => {
  const metadata = isJsonObject(converted['metadata']) ? converted['metadata'] : {}
  const { name, namespace, uid } = object.metadata
  return metadata['name'] === name && metadata['namespace'] === namespace && metadata['uid'] === uid
}

export const createConversionWebhook = (
  { spec }: CustomResourceDefinition,
  client: WebhookClient,
): ConvertObjects | undefined => {
  const webhook = spec.conversion?.webhook
  const address = webhook?.clientConfig
  const version = reviewVersionOf(webhook?.conversionReviewVersions ?? [])
  if (!address || version === undefined) return undefined

  const failed = (why: string): ApiError =>
    internalError(`conversion webhook for ${spec.group}, Kind=${spec.names.kind} failed: ${why}`)

  const ask = async (objects: readonly KubeObject[], apiVersion: string): Promise<readonly KubeObject[]> => {
    const uid = randomUUID()
    const request = { uid, desiredAPIVersion: apiVersion, objects }
    const review = { kind: kindOfReview, apiVersion: `apiextensions.k8s.io/${version}`, request }
    const answer = await client.post(address, review, timeoutMs).catch((error: unknown) => {
      throw failed(`Post: ${errorText(error)}`)
    })
    const response = isJsonObject(answer) && isJsonObject(answer['response']) ? answer['response'] : {}
    const { result, convertedObjects } = response
    if (response['uid'] !== uid) throw failed('expected response.uid to be that of the request')
    if (!isJsonObject(result) || result['status'] !== 'Success')
      throw failed(
        isJsonObject(result) && typeof result['message'] === 'string' ? result['message'].slice(0, 1024) : 'no result',
      )
    if (!Array.isArray(convertedObjects) || convertedObjects.length !== objects.length)
      throw failed('expected one converted object for each that was sent')
    return objects.map((object, at) => {
      const converted: unknown = convertedObjects[at]
      if (!isJsonObject(converted) || converted['apiVersion'] !== apiVersion || converted['kind'] !== object.kind)
        throw failed(`expected an object of ${apiVersion}, Kind=${object.kind} at index ${at}`)
      if (!same(object, converted)) throw failed(`the object at index ${at} is another one`)
      return withOwnMetadata(object, converted)
    })
  }

  return async (objects, apiVersion) => {
    const converted: KubeObject[] = []
    for (let at = 0; at < objects.length; at += batch)
      converted.push(...(await ask(objects.slice(at, at + batch), apiVersion)))
    return converted
  }
}

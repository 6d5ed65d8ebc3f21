/** One question to an admission webhook, and what its answer means. */
import { randomUUID } from 'node:crypto'
import { ApiError } from '../../api/errors.ts'
import { isJsonObject, type JsonObject, parseJson } from '../../api/json.ts'
import { isQualifiedName } from '../../api/names.ts'
import type { Status } from '../../api/types/index.ts'
import type { MutatingWebhook, ValidatingWebhook } from '../../api/types/kubernetes/admissionregistration-v1.ts'
import { reviewVersionOf } from '../resources/admissionregistration/webhook-client.ts'
import type { ResourceDefinition } from '../resources/definition.ts'
import { type Attributes, admissionRequest } from './attributes.ts'
import type { WebhookClient } from './client.ts'

export type Webhook = MutatingWebhook | ValidatingWebhook

export interface Verdict {
  /** Operations of a JSON patch. */
  readonly patch: unknown
}

const warningLimit = 256
const mostWarnings = 16

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/** In the words of Kubernetes; the code is that of the webhook, as long as it is one of a refusal. */
const refusal = (name: string, result: unknown): ApiError => {
  const status: Partial<Status> = isJsonObject(result) ? result : {}
  const denied = `admission webhook ${JSON.stringify(name)} denied the request`
  const why = textOf(status.message) || textOf(status.reason)
  const { code = 0 } = status
  return ApiError.fromStatus(
    {
      message: why === '' ? `${denied} without explanation` : `${denied}: ${why.slice(0, 4_096)}`,
      reason: textOf(status.reason),
      code: Number.isInteger(code) && code >= 400 && code < 600 ? code : 400,
    },
    400,
  )
}

const patchOf = (response: JsonObject): unknown => {
  const { patch, patchType } = response
  if (patch === undefined || patch === null) return undefined
  if (typeof patch !== 'string') throw new Error('response.patch is not base64')
  if (patchType !== 'JSONPatch') throw new Error(`invalid response.patchType ${JSON.stringify(patchType)}`)
  return parseJson(Buffer.from(patch, 'base64').toString('utf8'))
}

const responseOf = (answer: unknown, uid: string, apiVersion: string): JsonObject => {
  const review = isJsonObject(answer) ? answer : {}
  const { response } = review
  if (!isJsonObject(response)) throw new Error('webhook response was absent')
  const isOld = apiVersion.endsWith('v1beta1')
  if (!isOld && response['uid'] !== uid) throw new Error(`expected response.uid=${JSON.stringify(uid)}`)
  if (!isOld && (review['kind'] !== 'AdmissionReview' || review['apiVersion'] !== apiVersion))
    throw new Error(`expected webhook response of ${apiVersion}, Kind=AdmissionReview`)
  if (isOld && response['patch'] !== undefined && response['patchType'] === undefined)
    return { ...response, patchType: 'JSONPatch' }
  return response
}

const annotationsIn = ({ auditAnnotations }: JsonObject): JsonObject =>
  isJsonObject(auditAnnotations) ? auditAnnotations : {}

/** Throws ApiError when it refuses, another error when it could not be asked. */
export const askWebhook = async (
  client: WebhookClient,
  webhook: Webhook,
  attributes: Attributes,
  row: ResourceDefinition,
): Promise<Verdict> => {
  const version = reviewVersionOf(webhook.admissionReviewVersions)
  if (version === undefined) throw new Error('it accepts none of the versions v1 and v1beta1')
  const uid = randomUUID()
  const apiVersion = `admission.k8s.io/${version}`
  const request = { ...(await admissionRequest(attributes, row)), uid }
  const timeout = (webhook.timeoutSeconds ?? 10) * 1_000
  const answer = await client.post(webhook.clientConfig, { kind: 'AdmissionReview', apiVersion, request }, timeout)
  const response = responseOf(answer, uid, apiVersion)
  const { warnings } = response
  if (Array.isArray(warnings))
    for (const text of warnings.slice(0, mostWarnings))
      attributes.asked.warn(
        textOf(text)
          .replaceAll(/\p{C}+/gu, ' ')
          .slice(0, warningLimit),
      )
  for (const [key, value] of Object.entries(annotationsIn(response))) {
    const name = `${webhook.name}/${key}`
    if (isQualifiedName(name)) attributes.asked.annotate(name, textOf(value))
  }
  if (response['allowed'] !== true) throw refusal(webhook.name, response['status'])
  return { patch: patchOf(response) }
}

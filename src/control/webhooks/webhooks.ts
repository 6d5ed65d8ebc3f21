/** Admission webhooks: they are asked about every write that their rules name, and what they cannot be asked about fails closed. */
import { ApiError, errorText, internalError } from '../../api/errors.ts'
import { copyJson, isJsonObject } from '../../api/json.ts'
import type { KubeObject, StringMap } from '../../api/types/index.ts'
import type { MutatingWebhook } from '../../api/types/kubernetes/admissionregistration-v1.ts'
import type { Logger } from '../../host/log.ts'
import { admissionValues, conditionsOf } from '../cel/conditions.ts'
import { widthOf } from '../cel/functions/values.ts'
import type { Admission, AskedWrite, RequestReview, Review, Validation } from '../objects/admission.ts'
import { withGeneration } from '../objects/prepare.ts'
import { applyJsonPatch } from '../patch/json-patch.ts'
import type { Registry } from '../registry/registry.ts'
import {
  mutatingWebhookConfiguration,
  validatingWebhookConfiguration,
} from '../resources/admissionregistration/webhook-configuration.ts'
import { inVersion, prepared, type ResourceDefinition } from '../resources/definition.ts'
import { checkValue } from '../schema/bounds.ts'
import { readObject, readTyped } from '../server/input.ts'
import { showScale } from '../server/scale.ts'
import type { Store } from '../storage/store.ts'
import { askWebhook, type Verdict, type Webhook } from './admission-review.ts'
import {
  type Attributes,
  admissionRequest,
  attributesOf,
  deletionAttributesOf,
  equivalentRows,
  requestAttributesOf,
  subjectOf,
} from './attributes.ts'
import type { WebhookClient } from './client.ts'
import { type Configured, webhooksOf } from './configurations.ts'
import { isExempt, matchesSelectors, matchingRow } from './match.ts'

export interface WebhookContext {
  readonly store: Store
  readonly registry: Registry
  readonly client: WebhookClient
  readonly log: Logger
}

/** The labels of the namespace that an object is in; undefined for one that is in none. */
export const namespaceLabels = (store: Store, attributes: Attributes): StringMap | undefined => {
  const { asked, namespace } = attributes
  if (asked.row.group === '' && asked.row.plural === 'namespaces') return subjectOf(attributes)?.metadata.labels ?? {}
  if (namespace === undefined) return undefined
  return store.get({ bucket: 'namespaces', name: namespace })?.object.metadata.labels ?? {}
}

/**
 * Asks one webhook; undefined when it has nothing to do with the write, or may be done without. `rows`: those by which the
 * kind can be asked for.
 */
const createAsk = ({ store, client, log }: WebhookContext) => {
  const isMeant = async (webhook: Webhook, attributes: Attributes, row: ResourceDefinition): Promise<boolean> => {
    const { matchConditions = [] } = webhook
    if (matchConditions.length === 0) return true
    const request = await admissionRequest(attributes, row)
    return conditionsOf(matchConditions).hold(admissionValues(request), widthOf(request))
  }

  const rowFor = (
    webhook: Webhook,
    attributes: Attributes,
    rows: readonly ResourceDefinition[],
  ): ResourceDefinition | undefined => {
    const own = webhook.matchPolicy === 'Exact' ? rows.slice(0, 1) : rows
    const found = matchingRow(webhook.rules ?? [], attributes, own)
    return found && matchesSelectors(webhook, attributes, namespaceLabels(store, attributes)) ? found : undefined
  }

  /** `place`: by which the audit log knows the question. */
  return async (
    webhook: Webhook,
    attributes: Attributes,
    rows: readonly ResourceDefinition[],
    place: string,
  ): Promise<{ readonly verdict: Verdict; readonly row: ResourceDefinition } | undefined> => {
    const row = rowFor(webhook, attributes, rows)
    if (!row) return undefined
    const mayFail = webhook.failurePolicy === 'Ignore'
    try {
      if (!(await isMeant(webhook, attributes, row))) return undefined
      if (attributes.dryRun && !['None', 'NoneOnDryRun'].includes(webhook.sideEffects ?? ''))
        throw new ApiError(
          400,
          'BadRequest',
          `admission webhook ${JSON.stringify(webhook.name)} does not support dry run`,
        )
      return { verdict: await askWebhook(client, webhook, attributes, row), row }
    } catch (error) {
      if (error instanceof ApiError) throw error
      const why = `failed calling webhook ${JSON.stringify(webhook.name)}: ${errorText(error)}`
      if (!mayFail) throw internalError(why)
      attributes.asked.annotate(`failed-open.${place}`, webhook.name)
      log.warn({ webhook: webhook.name, err: error }, 'a webhook failed; its failurePolicy is Ignore')
      return undefined
    }
  }
}

/** What no webhook changes. */
const fixed = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'resourceVersion',
  'generation',
  'deletionTimestamp',
] as const

const keepIdentity = (object: KubeObject, before: KubeObject): KubeObject => {
  const own = Object.fromEntries(
    fixed.flatMap((name) => (before.metadata[name] === undefined ? [] : [[name, before.metadata[name]]])),
  )
  const given = Object.fromEntries(
    Object.entries(object.metadata).filter(([name]) => !(fixed as readonly string[]).includes(name)),
  )
  return { ...object, metadata: { ...given, ...own, name: before.metadata.name } }
}

/** A status changes by its own way, and nothing else by that way. */
const keepOtherPart = (
  object: KubeObject,
  before: KubeObject,
  definition: ResourceDefinition,
  subresource: string,
): KubeObject => {
  const statusOf = (each: KubeObject): unknown => ('status' in each ? each.status : undefined)
  const withStatus = (each: KubeObject, status: unknown): KubeObject => {
    const { status: _, ...rest } = { status: undefined, ...each }
    return status === undefined ? rest : { ...rest, ...{ status } }
  }
  if (subresource === 'status') return { ...withStatus(before, statusOf(object)), metadata: object.metadata }
  return definition.status ? withStatus(object, statusOf(before)) : object
}

const anyFields = new URLSearchParams({ fieldValidation: 'Ignore' })

const patched = async (review: Review, row: ResourceDefinition, patch: unknown): Promise<KubeObject> => {
  const { object, asked } = review
  const subresource = asked?.subresource ?? ''
  if (subresource === 'scale') {
    const scale: unknown = applyJsonPatch({ ...showScale(row, object) }, patch)
    const spec = isJsonObject(scale) && isJsonObject(scale['spec']) ? scale['spec'] : {}
    return row.scale?.withReplicas(object, Number(spec['replicas'] ?? 0)) ?? object
  }
  await prepared(row, [object], 'shown')
  const shown = copyJson(inVersion(row, object))
  const changed: unknown = applyJsonPatch(isJsonObject(shown) ? shown : {}, patch)
  checkValue(changed)
  const { object: read } = await readObject(row, changed, anyFields)
  const whole = keepIdentity({ ...read, apiVersion: object.apiVersion, kind: object.kind }, object)
  const kept = keepOtherPart(whole, object, review.asked?.row ?? row, subresource)
  const { definition, old } = review
  const filled = definition.defaults?.(kept) ?? kept
  return subresource === '' && old ? withGeneration(definition, filled, old) : filled
}

const patchedRequest = async (review: RequestReview, row: ResourceDefinition, patch: unknown): Promise<KubeObject> => {
  const shown = copyJson(review.type ? review.object : inVersion(row, review.object))
  const changed: unknown = applyJsonPatch(isJsonObject(shown) ? shown : {}, patch)
  checkValue(changed)
  const { object } = review.type
    ? readTyped(changed, review.type, anyFields)
    : await readObject(row, changed, anyFields)
  return object
}

const isAgain = ({ webhook }: Configured): boolean =>
  (webhook as Partial<MutatingWebhook>).reinvocationPolicy === 'IfNeeded'

/** Every webhook asked, in which round, and what it changed, for the audit log. */
const noteMutation = ({ asked }: Attributes, { webhook, configuration }: Configured, round: string, patch: unknown) => {
  const about = { configuration, webhook: webhook.name }
  const mutated = patch !== undefined
  asked.annotate(`mutation.webhook.admission.k8s.io/${round}`, JSON.stringify({ ...about, mutated }))
  if (mutated) {
    const content = JSON.stringify({ ...about, patch, patchType: 'JSONPatch' })
    asked.annotate(`patch.webhook.admission.k8s.io/${round}`, content, 'Request')
  }
}

/** How what webhooks change is told to them, and how it changes. */
interface Mutation<R> {
  readonly attributesOf: (review: R) => Attributes | undefined
  readonly patched: (review: R, row: ResourceDefinition, patch: unknown) => Promise<KubeObject>
}

export const mutatingWebhooks = (context: WebhookContext): Admission => {
  const webhooks = webhooksOf(context.store, mutatingWebhookConfiguration)
  const ask = createAsk(context)

  /** The object, and the place of who changed it last; -1 for nobody. */
  const run = async <R extends { readonly object: KubeObject }>(
    review: R,
    { attributesOf, patched }: Mutation<R>,
    rows: readonly ResourceDefinition[],
    round: number,
    asked: readonly (readonly [at: number, Configured])[],
  ): Promise<{ object: KubeObject; last: number }> => {
    let now = review
    let attributes = attributesOf(now)
    let last = -1
    for (const [at, configured] of asked) {
      const { webhook } = configured
      const place = `round_${round}_index_${at}`
      const answer = attributes && (await ask(webhook, attributes, rows, `mutation.webhook.admission.k8s.io/${place}`))
      if (!attributes || !answer) continue
      const { patch } = answer.verdict
      const operations = Array.isArray(patch) && patch.length === 0 ? undefined : patch
      noteMutation(attributes, configured, place, operations)
      if (operations === undefined) continue
      try {
        now = { ...now, object: await patched(now, answer.row, operations) }
      } catch (error) {
        throw internalError(
          `admission webhook ${JSON.stringify(webhook.name)} sent a patch that does not apply: ${errorText(error)}`,
        )
      }
      attributes = attributesOf(now)
      last = at
    }
    return { object: now.object, last }
  }

  const mutate = async <R extends { readonly object: KubeObject; readonly asked?: AskedWrite }>(
    review: R,
    mutation: Mutation<R>,
  ): Promise<KubeObject> => {
    const all = webhooks()
    if (all.length === 0 || !review.asked || isExempt(review.asked.row)) return review.object
    const rows = equivalentRows(context.registry, review.asked.row)
    const each = [...all.entries()]
    const { object, last } = await run(review, mutation, rows, 0, each)
    const again = each.filter(([at, configured]) => at < last && isAgain(configured))
    return again.length === 0 ? object : (await run({ ...review, object }, mutation, rows, 1, again)).object
  }

  return {
    name: 'MutatingAdmissionWebhook',
    admit: (review) => mutate(review, { attributesOf, patched }),
    admitRequest: (review) => mutate(review, { attributesOf: requestAttributesOf, patched: patchedRequest }),
    admitDeletion: async (review) => {
      const attributes = deletionAttributesOf(review)
      const all = webhooks()
      if (all.length === 0 || !attributes || isExempt(attributes.asked.row)) return
      const rows = equivalentRows(context.registry, attributes.asked.row)
      for (const [at, { webhook }] of all.entries())
        await ask(webhook, attributes, rows, `mutation.webhook.admission.k8s.io/round_0_index_${at}`)
    },
  }
}

export const validatingWebhooks = (context: WebhookContext): Validation => {
  const webhooks = webhooksOf(context.store, validatingWebhookConfiguration)
  const ask = createAsk(context)
  /** All at once; the first of them in their order that refuses is told. */
  const askAll = async (attributes: Attributes | undefined): Promise<void> => {
    const all = webhooks()
    if (all.length === 0 || !attributes || isExempt(attributes.asked.row)) return
    const rows = equivalentRows(context.registry, attributes.asked.row)
    const answers = await Promise.allSettled(
      all.map(({ webhook }, at) =>
        ask(webhook, attributes, rows, `validating.webhook.admission.k8s.io/round_0_index_${at}`),
      ),
    )
    for (const answer of answers) if (answer.status === 'rejected') throw answer.reason
  }
  return {
    name: 'ValidatingAdmissionWebhook',
    validate: (review) => askAll(attributesOf(review)),
    validateDeletion: (review) => askAll(deletionAttributesOf(review)),
    validateRequest: (review) => askAll(requestAttributesOf(review)),
  }
}

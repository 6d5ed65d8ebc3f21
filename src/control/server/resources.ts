/** The verbs on resources: list, get, create, update, patch, delete, and the subresources every kind may have. */
import { type Clock, formatTime } from '../../api/clock.ts'
import {
  badRequest,
  invalid,
  invalidValue,
  isNotFound,
  methodNotAllowed,
  noSuchPath,
  notFound,
  unsupportedMediaType,
} from '../../api/errors.ts'
import type { KubeObject } from '../../api/types/index.ts'
import type { Scale } from '../../api/types/kubernetes/autoscaling-v1.ts'
import { listObjects, type Page } from '../objects/list.ts'
import { type Manage, type ObjectName, type Objects, otherUid } from '../objects/objects.ts'
import { partOf } from '../objects/prepare.ts'
import { selectionOf } from '../objects/selection.ts'
import { applyPatchType, patchTypesOf } from '../openapi/json-schema.ts'
import type { Registry } from '../registry/registry.ts'
import { integerOf, type ResourceRequest } from '../request/request-info.ts'
import { bucketOf, inVersion, prepared, type ResourceDefinition, schemaTypeOf } from '../resources/definition.ts'
import { isVerbAt, methodsAt, type Place, subresourcesOf, verbsOf } from '../resources/verbs.ts'
import type { Store } from '../storage/store.ts'
import { applyingOf, readWish } from './apply-patch.ts'
import { type Answer, type Call, objectAnswer, warned } from './call.ts'
import { checkNamespace, checkOwnName, judgeRepeated, readObject, readTyped } from './input.ts'
import { checkListOptions } from './list-options.ts'
import { checkSame, readPatched } from './patched.ts'
import { isPatchType, patcherOf } from './patches.ts'
import { checkTakesObject, listAnswer, negotiate, showList, showObject } from './representation.ts'
import { scaleType, showScale, withScale } from './scale.ts'
import { checkReached, parseVersion, watchAnswer } from './watch-answer.ts'
import { readDeletion, writeOptionsOf } from './write-options.ts'

/** A subresource with rules of its own: a pod's log or binding, a namespace's finalize. */
export type SubresourceHandler = (
  call: Call,
  request: ResourceRequest & { readonly name: string },
  definition: ResourceDefinition,
) => Promise<Answer>

/** Looks at objects that are kept nowhere when somebody asks for them. */
export interface Observer {
  /** Those of a namespace, or of all. */
  list(namespace: string | undefined): Promise<readonly KubeObject[]>
  /** Throws NotFound. */
  get(name: ObjectName): Promise<KubeObject>
}

/** Answers what is asked with an object that is kept nowhere, such as a TokenReview. */
export type QuestionHandler = (call: Call, request: ResourceRequest, definition: ResourceDefinition) => Promise<Answer>

export interface ResourceContext {
  readonly registry: Registry
  readonly objects: Objects
  readonly store: Store
  readonly clock: Clock
  /** By `plural/subresource` and verb: `pods/log get`. */
  readonly subresources: Readonly<Record<string, SubresourceHandler>>
  /** By the kinds that can only be created: `tokenreviews.authentication.k8s.io`. */
  readonly questions?: Readonly<Record<string, QuestionHandler>>
  /** By the kinds that can only be looked at: `nodes.metrics.k8s.io`. */
  readonly observers?: Readonly<Record<string, Observer>>
}

type Handle = (call: Call, request: ResourceRequest, definition: ResourceDefinition) => Promise<Answer> | Answer
type Write = (...args: Parameters<Handle>) => Promise<Answer>

const listMetadata = (page: Page, revision: number) => ({
  resourceVersion: String(revision),
  ...(page.continue === '' ? {} : { continue: page.continue, remainingItemCount: page.remaining }),
})

const placeOf = ({ name, namespace, subresource }: ResourceRequest, { namespaced }: ResourceDefinition): Place => {
  if (subresource !== undefined) return 'subresource'
  if (name !== undefined) return 'object'
  return namespaced && namespace === undefined ? 'everywhere' : 'collection'
}

/** Throws MethodNotAllowed for a verb that the kind or its subresource does not have, NotFound for no such subresource. */
const checkVerb = (request: ResourceRequest, definition: ResourceDefinition): void => {
  const { subresource, verb } = request
  const verbs =
    subresource === undefined
      ? verbsOf(definition)
      : subresourcesOf(definition).find(({ name }) => name === subresource)?.verbs
  if (!verbs) throw noSuchPath()
  const place = placeOf(request, definition)
  if (!verbs.includes(verb) || !isVerbAt(place, verb)) throw methodNotAllowed(methodsAt(place, verbs))
}

const nameOf = ({ namespace, name }: ResourceRequest): ObjectName => {
  if (name === undefined || name.includes('/')) throw noSuchPath()
  if (name.includes('%')) throw badRequest(`Name parameter invalid: ${JSON.stringify(name)}: may not contain '%'`)
  return { namespace, name }
}

/** A change of an object is none. Throws UnsupportedMediaType. */
const checkWhole = ({ contentType }: Call): void => {
  if (isPatchType(contentType)) throw unsupportedMediaType(wholeTypes)
}
const wholeTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']

export const createResourceHandler = (context: ResourceContext) => {
  const { registry, objects, store, clock, subresources, questions = {}, observers = {} } = context

  const shown = async (
    call: Call,
    definition: ResourceDefinition,
    object: KubeObject,
    code = 200,
    warnings?: readonly string[],
  ): Promise<Answer> => {
    const representation = negotiate(call.header('accept'), call.query)
    await prepared(definition, [object], 'shown')
    return objectAnswer(showObject(definition, object, representation, clock.now()), code, warnings)
  }

  const optionsOf = (
    call: Call,
    definition: ResourceDefinition,
    kind: Parameters<typeof writeOptionsOf>[2],
    subresource?: string,
  ) => writeOptionsOf(call, definition, kind, formatTime(clock.now()), subresource)

  /** The answer to a write: what the body was worth a warning for, and what the kind has to say. */
  const written = (
    call: Call,
    definition: ResourceDefinition,
    object: KubeObject,
    warnings: readonly string[],
    code?: number,
  ) => shown(call, definition, object, code, [...warnings, ...(definition.warnings?.(object) ?? [])])

  const selectionFor = ({ query }: Call, { namespace, name }: ResourceRequest, definition: ResourceDefinition) => {
    const fields = query.get('fieldSelector') ?? ''
    const named = name === undefined ? fields : [fields, `metadata.name=${name}`].filter(Boolean).join(',')
    return selectionOf(definition, namespace, query.get('labelSelector') ?? '', named)
  }

  const list: Write = async (call, request, definition) => {
    const { query } = call
    checkListOptions(query)
    const exact = query.get('resourceVersionMatch') === 'Exact'
    const version = parseVersion(query.get('resourceVersion'), exact ? 'invalid resource version: ' : '')
    checkReached(version, store.revision)
    const page = listObjects(store, definition, selectionFor(call, request, definition), {
      limit: integerOf(query, 'limit') ?? 0,
      continue: query.get('continue') ?? '',
      ...(exact && version !== undefined ? { revision: version } : {}),
    })
    const metadata = listMetadata(page, page.revision)
    await prepared(definition, page.items, 'shown')
    return showList(definition, page.items, metadata, negotiate(call.header('accept'), query), clock.now())
  }

  const listObserved = async (
    observer: Observer,
    call: Call,
    request: ResourceRequest,
    definition: ResourceDefinition,
  ): Promise<Answer> => {
    checkListOptions(call.query)
    const { matches } = selectionFor(call, request, definition)
    const representation = negotiate(call.header('accept'), call.query)
    const items = (await observer.list(request.namespace)).filter(matches)
    return showList(definition, items, {}, representation, clock.now())
  }

  const getObserved = async (
    observer: Observer,
    call: Call,
    request: ResourceRequest,
    definition: ResourceDefinition,
  ): Promise<Answer> => {
    negotiate(call.header('accept'), call.query)
    return shown(call, definition, await observer.get(nameOf(request)))
  }

  /** A watch ends when its kind changes: what it shows would be told by what no longer is. */
  const whileServed = (answer: Answer, definition: ResourceDefinition): Answer => {
    if (answer.kind !== 'watch' || !definition.schema) return answer
    const { group, version, plural } = definition
    return {
      ...answer,
      run: async (emit, signal) => {
        const over = new AbortController()
        const unsubscribe = registry.subscribe(() => {
          if (registry.find(group, version, plural) !== definition) over.abort()
        })
        try {
          await answer.run(emit, AbortSignal.any([signal, over.signal]))
        } finally {
          unsubscribe()
        }
      },
    }
  }

  const watch = (call: Call, request: ResourceRequest, definition: ResourceDefinition): Answer => {
    const selection = selectionFor(call, request, definition)
    const representation = negotiate(call.header('accept'), call.query)
    return whileServed(watchAnswer({ store, clock }, definition, selection, representation, call.query), definition)
  }

  const create: Write = async (call, request, definition) => {
    checkWhole(call)
    const options = optionsOf(call, definition, 'CreateOptions')
    const { object, warnings } = await readObject(definition, await call.body(), call.query)
    const created = await objects.create(definition, request.namespace, object, options)
    return written(call, definition, created, [...warnings, ...options.told], 201)
  }

  const checkVersion = (definition: ResourceDefinition, object: KubeObject): KubeObject => {
    if (definition.updateNeedsVersion && !object.metadata.resourceVersion)
      throw invalid(definition, object.metadata.name, [
        invalidValue('metadata.resourceVersion', 0, 'must be specified for an update'),
      ])
    return object
  }

  const update: Write = async (call, request, definition) => {
    const name = nameOf(request)
    checkWhole(call)
    const options = optionsOf(call, definition, 'UpdateOptions', request.subresource)
    const { object, warnings } = await readObject(definition, await call.body(), call.query)
    checkOwnName(object.metadata?.name, name.name)
    checkNamespace(object.metadata.namespace, request.namespace)
    const given = { ...object, metadata: { ...object.metadata, name: name.name } }
    try {
      const part = partOf(definition, request.subresource)
      const updated = await objects.update(definition, name, part, () => checkVersion(definition, given), options)
      return written(call, definition, updated, [...warnings, ...options.told])
    } catch (error) {
      const isMissing = isNotFound(error) && error.details?.kind === definition.plural
      if (isMissing && given.metadata.uid) throw otherUid(definition, name, given.metadata.uid, '')
      if (!definition.createOnUpdate || !isMissing) throw error
      const made = await objects.create(definition, name.namespace, given, options)
      return written(call, definition, made, [...warnings, ...options.told], 201)
    }
  }

  /** Server-side apply: makes the object where there is none. */
  const applied: Write = async (call, request, definition) => {
    const name = nameOf(request)
    const options = optionsOf(call, definition, 'PatchOptions', request.subresource)
    const body = await call.body()
    const repeated = judgeRepeated(body, definition.kind, call.query)
    const wish = readWish(definition, name, body)
    const applying = applyingOf(call, definition, request.subresource, formatTime(clock.now()))
    const part = partOf(definition, request.subresource)
    let fields: ReturnType<Manage>
    const change = async (old: KubeObject | undefined): Promise<KubeObject> => {
      if (old) await prepared(definition, [old], 'shown')
      const result = applying(old && inVersion(definition, old), wish, body)
      fields = result.managedFields
      const { object } = await readObject(definition, result.object, call.query)
      const { resourceVersion } = wish.metadata
      return { ...object, metadata: { ...object.metadata, resourceVersion } }
    }
    const write = { ...options, manage: () => fields }
    try {
      const updated = await objects.update(definition, name, part, change, write)
      return written(call, definition, updated, [...repeated, ...options.told])
    } catch (error) {
      if (part !== 'main' || !isNotFound(error) || error.details?.kind !== definition.plural) throw error
      const made = await objects.create(definition, name.namespace, await change(undefined), write)
      return written(call, definition, made, [...repeated, ...options.told], 201)
    }
  }

  const patch: Write = async (call, request, definition) => {
    if (call.contentType === applyPatchType) return applied(call, request, definition)
    const name = nameOf(request)
    const apply = patcherOf(call.contentType, patchTypesOf(definition))
    const body = await call.body()
    const type = schemaTypeOf(definition)
    const repeated = judgeRepeated(body, definition.kind, call.query)
    let warnings: readonly string[] = []
    const change = async (old: KubeObject): Promise<KubeObject> => {
      await prepared(definition, [old], 'shown')
      const shownAs = inVersion(definition, old)
      const patched = apply(shownAs, body, type)
      const input = await readPatched(definition, patched, call)
      warnings = [...repeated, ...input.warnings]
      checkOwnName(input.object.metadata?.name, name.name)
      checkNamespace(input.object.metadata.namespace, request.namespace)
      checkSame(definition, input.object, old)
      // The patched copy carries the version it was made from; only a version that the patch itself names binds it.
      const named = input.object.metadata.resourceVersion !== old.metadata.resourceVersion
      return named
        ? input.object
        : { ...input.object, metadata: { ...input.object.metadata, resourceVersion: undefined } }
    }
    const part = partOf(definition, request.subresource)
    const options = optionsOf(call, definition, 'PatchOptions', request.subresource)
    const result = await objects.update(definition, name, part, change, options)
    return written(call, definition, result, [...warnings, ...options.told])
  }

  const remove: Write = async (call, request, definition) => {
    const { dryRun, warnings, asked, ...deletion } = await readDeletion(call, definition)
    const { object, gone } = await objects.delete(definition, nameOf(request), deletion, {
      user: call.user,
      dryRun,
      asked,
    })
    if (!gone) return shown(call, definition, object, 200, warnings)
    const { name, uid } = object.metadata
    const details = {
      name,
      ...(definition.group === '' ? {} : { group: definition.group }),
      kind: definition.plural,
      uid,
    }
    return objectAnswer({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details }, 200, warnings)
  }

  const pageOf = (call: Call, request: ResourceRequest, definition: ResourceDefinition) =>
    listObjects(store, definition, selectionFor(call, request, definition), {
      limit: integerOf(call.query, 'limit') ?? 0,
      continue: call.query.get('continue') ?? '',
    })

  const removeCollection: Write = async (call, request, definition) => {
    const { dryRun, warnings, asked, ...deletion } = await readDeletion(call, definition)
    const page = pageOf(call, request, definition)
    for (const { metadata } of page.items)
      await objects
        .delete(definition, { namespace: metadata.namespace, name: metadata.name }, deletion, {
          user: call.user,
          dryRun,
          asked,
        })
        .catch((error: unknown) => {
          // Someone else was faster.
          if (!isNotFound(error)) throw error
        })
    await prepared(definition, page.items, 'shown')
    return listAnswer(definition, page.items, listMetadata(page, store.revision), warnings)
  }

  /** Throws NotFound, which names the window as Kubernetes does. */
  const scaled = (definition: ResourceDefinition, name: ObjectName): KubeObject => {
    try {
      return objects.get(definition, name)
    } catch (error) {
      if (!isNotFound(error)) throw error
      throw notFound({ group: definition.group, plural: `${definition.plural}/scale` }, name.name)
    }
  }

  const scale: Write = async (call, request, definition) => {
    const name = nameOf(request)
    const scaleAnswer = async (object: KubeObject): Promise<Answer> => {
      await prepared(definition, [object], 'shown')
      return objectAnswer(showScale(definition, object))
    }
    if (request.verb === 'get') return scaleAnswer(scaled(definition, name))
    const apply = request.verb === 'patch' ? patcherOf(call.contentType) : undefined
    const body = await call.body()
    if (apply) judgeRepeated(body, scaleType.kind, call.query)
    else checkOwnName(readTyped(body, scaleType, call.query).object.metadata?.name, name.name)
    const change = async (old: KubeObject): Promise<KubeObject> => {
      await prepared(definition, [old], 'shown')
      const current = { ...showScale(definition, old), metadata: { ...old.metadata, resourceVersion: undefined } }
      const wanted = apply ? apply(current, body, scaleType.schemaType) : body
      return withScale(definition, old, readTyped(wanted, scaleType, call.query).object as Scale)
    }
    const kind = request.verb === 'patch' ? 'PatchOptions' : 'UpdateOptions'
    const options = optionsOf(call, definition, kind, 'scale')
    return scaleAnswer(await objects.update(definition, name, 'main', change, options))
  }

  const createOrAsk: Handle = (call, request, definition) => {
    const question = questions[bucketOf(definition)]
    if (!question) return create(call, request, definition)
    checkTakesObject(call.header('accept'))
    return question(call, request, definition)
  }

  const onSubresource: Handle = (call, request, definition) => {
    const { subresource, verb } = request
    const special = subresources[`${definition.plural}/${subresource} ${verb}`]
    if (special) return special(call, { ...request, name: nameOf(request).name }, definition)
    if (subresource === 'scale') return scale(call, request, definition)
    return onObject(call, request, definition)
  }

  const onObject: Handle = (call, request, definition) => {
    const observer = observers[bucketOf(definition)]
    if (observer) return (request.verb === 'list' ? listObserved : getObserved)(observer, call, request, definition)
    switch (request.verb) {
      case 'list':
        return list(call, request, definition)
      case 'watch':
        return watch(call, request, definition)
      case 'get':
        negotiate(call.header('accept'), call.query)
        return shown(call, definition, objects.get(definition, nameOf(request)))
      case 'create':
        return createOrAsk(call, request, definition)
      case 'update':
        return update(call, request, definition)
      case 'patch':
        return patch(call, request, definition)
      case 'delete':
        return remove(call, request, definition)
      case 'deletecollection':
        return removeCollection(call, request, definition)
    }
  }

  return async (call: Call, request: ResourceRequest): Promise<Answer> => {
    const definition = registry.find(request.group, request.version, request.plural)
    if (!definition || (request.namespace !== undefined && !definition.namespaced)) throw noSuchPath()
    if (definition.namespaced && request.name !== undefined && request.namespace === undefined) throw noSuchPath()
    if (request.namespace?.includes('/')) throw noSuchPath()
    checkVerb(request, definition)
    const answer = await (request.subresource === undefined ? onObject : onSubresource)(call, request, definition)
    return definition.deprecation === undefined ? answer : warned(answer, definition.deprecation)
  }
}

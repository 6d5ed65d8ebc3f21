/** The verbs on resources: list, get, create, update, patch, delete, and the subresources every kind may have. */
import type { Clock } from '../../api/clock.ts'
import { badRequest, invalid, invalidValue, isNotFound, methodNotAllowed, noSuchPath } from '../../api/errors.ts'
import type { KubeObject } from '../../api/types/index.ts'
import type { Deletion } from '../objects/deletion.ts'
import { listObjects } from '../objects/list.ts'
import type { ObjectName, Objects } from '../objects/objects.ts'
import { selectionOf } from '../objects/selection.ts'
import { patchTypesOf } from '../openapi/json-schema.ts'
import { apiVersionOf, inVersion, type ResourceDefinition, schemaTypeOf } from '../registry/definition.ts'
import type { Registry } from '../registry/registry.ts'
import { decode } from '../schema/decode.ts'
import type { Store } from '../store/store.ts'
import { type Answer, type Call, objectAnswer } from './call.ts'
import { readObject, readTyped } from './input.ts'
import { patcherOf } from './patches.ts'
import { negotiate, showList, showObject } from './representation.ts'
import { integerOf, type ResourceRequest } from './request-info.ts'
import { type Scale, scaleType, showScale, withScale } from './scale.ts'
import { checkReached, parseVersion, watchAnswer } from './watch-answer.ts'

/** A subresource with rules of its own: a pod's log or binding, a namespace's finalize. */
export type SubresourceHandler = (
  call: Call,
  request: ResourceRequest & { readonly name: string },
  definition: ResourceDefinition,
) => Promise<Answer>

export interface ResourceContext {
  readonly registry: Registry
  readonly objects: Objects
  readonly store: Store
  readonly clock: Clock
  /** By `plural/subresource` and verb: `pods/log get`. */
  readonly subresources: Readonly<Record<string, SubresourceHandler>>
}

type Write = (call: Call, request: ResourceRequest, definition: ResourceDefinition) => Promise<Answer>

const isDryRun = (query: URLSearchParams, body?: { readonly dryRun?: readonly string[] }): boolean => {
  const asked = [...query.getAll('dryRun'), ...(body?.dryRun ?? [])]
  const unknown = asked.find((value) => value !== 'All')
  if (unknown !== undefined)
    throw badRequest(`dryRun: Unsupported value: ${JSON.stringify(unknown)}: supported values: "All"`)
  return asked.length > 0
}

const nameOf = ({ namespace, name }: ResourceRequest): ObjectName => {
  if (name === undefined) throw methodNotAllowed()
  return { namespace, name }
}

export const createResourceHandler = (context: ResourceContext) => {
  const { registry, objects, store, clock, subresources } = context

  const shown = (
    call: Call,
    definition: ResourceDefinition,
    object: KubeObject,
    code = 200,
    warnings?: readonly string[],
  ) => objectAnswer(showObject(definition, object, negotiate(call.accept, call.query), clock.now()), code, warnings)

  const selectionFor = ({ query }: Call, { namespace, name }: ResourceRequest, definition: ResourceDefinition) => {
    const fields = query.get('fieldSelector') ?? ''
    const named = name === undefined ? fields : [fields, `metadata.name=${name}`].filter(Boolean).join(',')
    return selectionOf(definition, namespace, query.get('labelSelector') ?? '', named)
  }

  const list = (call: Call, request: ResourceRequest, definition: ResourceDefinition): Answer => {
    const { query } = call
    const version = parseVersion(query.get('resourceVersion'))
    checkReached(version, store.revision)
    const exact = query.get('resourceVersionMatch') === 'Exact'
    const page = listObjects(store, definition, selectionFor(call, request, definition), {
      limit: integerOf(query, 'limit') ?? 0,
      continue: query.get('continue') ?? '',
      ...(exact && version !== undefined ? { revision: version } : {}),
    })
    const metadata = {
      resourceVersion: String(page.revision),
      ...(page.continue === '' ? {} : { continue: page.continue, remainingItemCount: page.remaining }),
    }
    return objectAnswer(showList(definition, page.items, metadata, negotiate(call.accept, query), clock.now()))
  }

  const watch = (call: Call, request: ResourceRequest, definition: ResourceDefinition): Answer =>
    watchAnswer(
      { store, clock },
      definition,
      selectionFor(call, request, definition),
      negotiate(call.accept, call.query),
      call.query,
    )

  const create: Write = async (call, request, definition) => {
    const { object, warnings } = readObject(definition, await call.body(), call.query)
    const options = { user: call.user, dryRun: isDryRun(call.query) }
    const namespace = definition.namespaced ? (request.namespace ?? object.metadata?.namespace) : undefined
    if (definition.namespaced && namespace === undefined)
      throw badRequest('an empty namespace may not be set during creation')
    return shown(call, definition, await objects.create(definition, namespace, object, options), 201, warnings)
  }

  const checkName = (given: string | undefined, name: string): void => {
    if (given && given !== name)
      throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`)
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
    const { object, warnings } = readObject(definition, await call.body(), call.query)
    checkName(object.metadata?.name, name.name)
    const given = { ...object, metadata: { ...object.metadata, name: name.name } }
    const options = { user: call.user, dryRun: isDryRun(call.query) }
    try {
      const part = request.subresource === 'status' ? 'status' : 'main'
      const updated = await objects.update(definition, name, part, () => checkVersion(definition, given), options)
      return shown(call, definition, updated, 200, warnings)
    } catch (error) {
      if (!definition.createOnUpdate || !isNotFound(error) || error.details?.kind !== definition.plural) throw error
      return shown(call, definition, await objects.create(definition, name.namespace, given, options), 201, warnings)
    }
  }

  const patch: Write = async (call, request, definition) => {
    const name = nameOf(request)
    const apply = patcherOf(call.contentType, patchTypesOf(definition))
    const body = await call.body()
    const type = schemaTypeOf(definition)
    let warnings: readonly string[] = []
    const change = (old: KubeObject): KubeObject => {
      const shownAs = inVersion(definition, old)
      const patched = apply(shownAs, body, type)
      const input = readObject(definition, patched, call.query)
      warnings = input.warnings
      // The patched copy carries the version it was made from; only a version that the patch itself names binds it.
      const named = input.object.metadata.resourceVersion !== old.metadata.resourceVersion
      return named
        ? input.object
        : { ...input.object, metadata: { ...input.object.metadata, resourceVersion: undefined } }
    }
    const part = request.subresource === 'status' ? 'status' : 'main'
    const options = { user: call.user, dryRun: isDryRun(call.query) }
    const result = await objects.update(definition, name, part, change, options)
    return shown(call, definition, result, 200, warnings)
  }

  const readDeletion = async (call: Call): Promise<Deletion & { readonly dryRun: boolean }> => {
    const body = await call.body()
    const options = (body === undefined ? {} : decode(body, 'DeleteOptions', 'DeleteOptions').value) as Deletion & {
      readonly orphanDependents?: boolean
      readonly dryRun?: readonly string[]
    }
    const { query } = call
    const grace = integerOf(query, 'gracePeriodSeconds')
    const policy = query.get('propagationPolicy') ?? options.propagationPolicy
    return {
      ...options,
      ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
      propagationPolicy: policy ?? (options.orphanDependents === true ? 'Orphan' : 'Background'),
      dryRun: isDryRun(query, options),
    }
  }

  const remove: Write = async (call, request, definition) => {
    const { dryRun, ...deletion } = await readDeletion(call)
    const { object, gone } = await objects.delete(definition, nameOf(request), deletion, { user: call.user, dryRun })
    if (!gone) return shown(call, definition, object)
    const { name, uid } = object.metadata
    const details = {
      name,
      ...(definition.group === '' ? {} : { group: definition.group }),
      kind: definition.plural,
      uid,
    }
    return objectAnswer({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details })
  }

  const removeCollection: Write = async (call, request, definition) => {
    const { dryRun, ...deletion } = await readDeletion(call)
    const { items } = listObjects(store, definition, selectionFor(call, request, definition), {
      limit: 0,
      continue: '',
    })
    for (const { metadata } of items)
      await objects
        .delete(definition, { namespace: metadata.namespace, name: metadata.name }, deletion, {
          user: call.user,
          dryRun,
        })
        .catch((error: unknown) => {
          // Someone else was faster.
          if (!isNotFound(error)) throw error
        })
    const metadata = { resourceVersion: String(store.revision) }
    return objectAnswer({
      kind: `${definition.kind}List`,
      apiVersion: apiVersionOf(definition),
      metadata,
      items: items.map((item) => inVersion(definition, item)),
    })
  }

  const scale: Write = async (call, request, definition) => {
    const name = nameOf(request)
    if (request.verb === 'get') return objectAnswer(showScale(definition, objects.get(definition, name)))
    const apply = request.verb === 'patch' ? patcherOf(call.contentType) : undefined
    const body = await call.body()
    const change = (old: KubeObject): KubeObject => {
      const current = { ...showScale(definition, old), metadata: { ...old.metadata, resourceVersion: undefined } }
      const wanted = apply ? apply(current, body, 'Scale') : body
      return withScale(definition, old, readTyped(wanted, scaleType, call.query).object as Scale)
    }
    const options = { user: call.user, dryRun: isDryRun(call.query) }
    return objectAnswer(showScale(definition, await objects.update(definition, name, 'main', change, options)))
  }

  const writes: Partial<Readonly<Record<ResourceRequest['verb'], Write>>> = {
    create,
    update,
    patch,
    delete: remove,
    deletecollection: removeCollection,
  }

  const onSubresource = (
    call: Call,
    request: ResourceRequest,
    definition: ResourceDefinition,
  ): Promise<Answer> | Answer => {
    const { subresource, verb } = request
    if (subresource === 'scale' && definition.scale && ['get', 'update', 'patch'].includes(verb))
      return scale(call, request, definition)
    if (subresource === 'status' && definition.status) {
      if (verb === 'get') return shown(call, definition, objects.get(definition, nameOf(request)))
      if (verb === 'update') return update(call, request, definition)
      if (verb === 'patch') return patch(call, request, definition)
      throw methodNotAllowed()
    }
    const special = subresources[`${definition.plural}/${subresource} ${verb}`]
    if (special) return special(call, { ...request, name: nameOf(request).name }, definition)
    throw definition.subresources?.some(({ name }) => name === subresource) ? methodNotAllowed() : noSuchPath()
  }

  return (call: Call, request: ResourceRequest): Promise<Answer> | Answer => {
    const definition = registry.find(request.group, request.version, request.plural)
    if (!definition || (request.namespace !== undefined && !definition.namespaced)) throw noSuchPath()
    if (definition.namespaced && request.name !== undefined && request.namespace === undefined) throw noSuchPath()
    if (request.subresource !== undefined) return onSubresource(call, request, definition)
    if (request.verb === 'list') return list(call, request, definition)
    if (request.verb === 'watch') return watch(call, request, definition)
    if (request.verb === 'get') return shown(call, definition, objects.get(definition, nameOf(request)))
    const write = writes[request.verb]
    if (!write) throw methodNotAllowed()
    return write(call, request, definition)
  }
}

/**
 * CustomResourceDefinitions that a cluster has from its first moment on. They are made and brought up to date at a start, as
 * long as nobody else has written them: what users apply in their place, or change of them, stays as it is, and one that is
 * deleted is missing until the next start.
 */
import { createHash } from 'node:crypto'
import type { Client } from '../../api/client.ts'
import type { Clock } from '../../api/clock.ts'
import { isAlreadyExists, isConflict, isNotFound } from '../../api/errors.ts'
import { sortFields } from '../../api/json.ts'
import { customResourceDefinitions, gatewayKinds } from '../../api/resources.ts'
import type { CustomResourceDefinition } from '../../api/types/kubernetes/apiextensions-v1.ts'
import type { Logger } from '../../host/log.ts'
import { statusOf } from '../custom/naming.ts'
import { bundleAnnotations, type DefinitionDraft, gatewayDefinitions } from './gateway/definitions.ts'

/** Of what we have written: by it we know that nobody else has changed it. */
const digestAnnotation = 'podway.dev/bundled'

const versionAnnotation = 'gateway.networking.k8s.io/bundle-version'
const channelAnnotation = 'gateway.networking.k8s.io/channel'

type Written = Pick<DefinitionDraft, 'metadata' | 'spec'>

const digestOf = ({ metadata: { annotations = {} }, spec }: Written): string => {
  const marks = Object.keys(bundleAnnotations).map((name) => annotations[name] ?? '')
  return createHash('sha256')
    .update(JSON.stringify(sortFields({ marks, spec })))
    .digest('hex')
    .slice(0, 16)
}

const numbersOf = (version: string): readonly number[] => (version.match(/\d+/g) ?? []).slice(0, 3).map(Number)

const isNewer = (version: string, than: string): boolean => {
  const [a, b] = [numbersOf(version), numbersOf(than)]
  const at = a.findIndex((number, place) => number !== b[place])
  return at >= 0 && (a[at] ?? 0) > (b[at] ?? 0)
}

const markOf = ({ metadata }: Written, annotation: string): string => metadata.annotations?.[annotation] ?? 'none'

/** `current`: as it should be. `ours`: what an earlier start has written. `foreign`: somebody else's. */
const stateOf = (found: CustomResourceDefinition, wanted: DefinitionDraft): 'current' | 'ours' | 'foreign' => {
  const digest = found.metadata.annotations?.[digestAnnotation]
  if (digest === undefined || digest !== digestOf(found)) return 'foreign'
  if (digest === digestOf(wanted)) return 'current'
  return isNewer(markOf(found, versionAnnotation), markOf(wanted, versionAnnotation)) ? 'foreign' : 'ours'
}

const marked = (wanted: DefinitionDraft): DefinitionDraft['metadata'] => ({
  ...wanted.metadata,
  annotations: { ...wanted.metadata.annotations, [digestAnnotation]: digestOf(wanted) },
})

const isUnread = ({ metadata, spec }: CustomResourceDefinition): boolean =>
  gatewayKinds.some(
    ({ group, plural, version }) =>
      metadata.name === `${plural}.${group}` && !spec.versions.some(({ name, served }) => served && name === version),
  )

const tell = (found: CustomResourceDefinition, log: Logger): void => {
  const fields = {
    definition: found.metadata.name,
    bundleVersion: markOf(found, versionAnnotation),
    channel: markOf(found, channelAnnotation),
  }
  log.info(fields, 'kept a CustomResourceDefinition that was not made by this version of Podway')
  if (isUnread(found))
    log.warn(
      { ...fields, versions: found.spec.versions.flatMap(({ name, served }) => (served ? [name] : [])) },
      'it does not serve the version that Podway reads: its objects have no effect until a newer bundle is applied',
    )
}

/** Another control plane may be at the same work, or somebody who changes the object just now: the next start sees. */
const unlessRaced = (error: unknown): void => {
  if (!isAlreadyExists(error) && !isConflict(error) && !isNotFound(error)) throw error
}

export interface KeepingContext {
  readonly clock: Clock
  readonly log: Logger
}

/** Resolves when the kinds are served. Safe to repeat. */
export const keepBundledKinds = async (
  client: Client,
  { clock, log }: KeepingContext,
  all: readonly DefinitionDraft[] = gatewayDefinitions(),
): Promise<void> => {
  const { items } = await client.list(customResourceDefinitions)
  const there = new Map(items.map((item) => [item.metadata.name, item]))

  /** Gives it its names at once, as the controller would: what is made next may be of this kind. */
  const establish = async (definition: CustomResourceDefinition): Promise<void> => {
    const { name } = definition.metadata
    const others = [...there.values()].filter(({ metadata }) => metadata.name !== name)
    const status = statusOf(definition, others, clock.now())
    there.set(name, { ...definition, status })
    if (status !== definition.status)
      await client.update(customResourceDefinitions, { ...definition, status }, 'status')
  }

  const write = async (wanted: DefinitionDraft, found: CustomResourceDefinition | undefined): Promise<void> => {
    const metadata = marked(wanted)
    const status = { conditions: [], acceptedNames: { plural: '', kind: '' }, storedVersions: [] }
    const written = found
      ? await client.update(customResourceDefinitions, {
          ...found,
          ...{ spec: wanted.spec },
          metadata: {
            ...found.metadata,
            labels: { ...found.metadata.labels, ...metadata.labels },
            annotations: { ...found.metadata.annotations, ...metadata.annotations },
          },
        })
      : await client.create(customResourceDefinitions, { metadata, spec: wanted.spec, status })
    await establish(written)
  }

  const keep = async (wanted: DefinitionDraft): Promise<void> => {
    const found = there.get(wanted.metadata.name)
    if (!found) return write(wanted, undefined)
    const state = stateOf(found, wanted)
    if (state === 'foreign') return tell(found, log)
    await (state === 'ours' ? write(wanted, found) : establish(found))
  }

  // All at once: the store commits together what comes together.
  await Promise.all(all.map((wanted) => keep(wanted).catch(unlessRaced)))
}

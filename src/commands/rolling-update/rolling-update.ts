/**
 * A rolling update of a ReplicationController, as kubectl had it until 1.17: the pods of one controller are replaced by those of
 * another. Every step begins with what is stored, and what is done already is not done again: whoever is interrupted, at whatever
 * moment, asks for the same once more.
 */
import type { ReplicationController } from '../../api/types/kubernetes/core-v1.ts'
import {
  desiredReplicasAnnotation,
  nextControllerAnnotation,
  noNotes,
  notedReplicas,
  originalReplicasAnnotation,
  sourceIdAnnotation,
  sourceIdOf,
} from './annotations.ts'
import { type Access, createControllers } from './controllers.ts'
import { finishRename, rename, renameOf } from './rename.ts'
import { type Roll, roll } from './roll.ts'
import {
  checkSelectors,
  containerOf,
  type ImageChange,
  oldLabelOf,
  type Stash,
  type Target,
  targetOfImage,
  textsOf,
} from './target.ts'
import { tellApart } from './tell-apart.ts'

/** What comes in the old controller's place. */
export type Wish =
  | { readonly kind: 'manifest'; readonly target: Target }
  /** Without a name, the old controller's is kept. */
  | { readonly kind: 'image'; readonly change: ImageChange; readonly name: string | undefined }
  /** The old one again, and not the one of this name. */
  | { readonly kind: 'rollback'; readonly name: string | undefined }

export interface RollingUpdate extends Access, Pick<Roll, 'say' | 'periodMs'> {
  readonly old: string
  readonly wish: Wish
  /** Says what would be done. */
  readonly isDry?: boolean
}

const inUse = (image: string): string =>
  `Found existing in-progress update to image (${image}).\n` +
  `Either continue in-progress update with --image=${image} or rollback with --rollback`

const notesOf = ({ metadata }: ReplicationController): string =>
  JSON.stringify(
    Object.fromEntries(
      [sourceIdAnnotation, desiredReplicasAnnotation].map((name) => [name, metadata.annotations?.[name] ?? null]),
    ),
  )

/** Whether it was made in the place of a controller of this name. */
const replaces = ({ metadata }: ReplicationController, name: string): boolean =>
  metadata.annotations?.[sourceIdAnnotation]?.startsWith(`${name}:`) ?? false

/** Rejects when it cannot be done, or not be ended in time; the same update may be asked for again. */
export const rollingUpdate = async (options: RollingUpdate): Promise<void> => {
  const { say, old: oldName, wish, isDry = false } = options
  const controllers = createControllers(options)
  const rollOptions: Roll = { ...options, controllers }

  /** The controller that grows: as it is, or made now. */
  const openTarget = async (old: ReplicationController, target: Target): Promise<ReplicationController> => {
    const { name, metadata, spec } = target
    const source = sourceIdOf(old)
    const found = await controllers.find(name)
    if (found) {
      const isOurs = found.metadata.annotations?.[sourceIdAnnotation] === source
      if (!isOurs || notedReplicas(found, desiredReplicasAnnotation) === undefined)
        throw new Error(
          `Missing/unexpected annotations for controller ${name}, expected ${sourceIdAnnotation}=${source}: ${notesOf(found)}`,
        )
      say(`Continuing update with existing controller ${name}.`)
      return found
    }
    const desired = target.replicas ?? old.spec.replicas ?? 1
    if (desired <= 0) throw new Error(`Invalid controller spec for ${name}; required: > 0 replicas, actual: ${desired}`)
    const notes = { [desiredReplicasAnnotation]: String(desired), [sourceIdAnnotation]: source }
    const annotations = { ...textsOf(metadata['annotations']), ...notes }
    const made = await controllers.create({
      metadata: { ...metadata, name, annotations },
      spec: { ...spec, replicas: 0 },
    })
    say(`Created ${name}`)
    return made
  }

  /** The old one's number of pods is what a rollback goes back to. */
  const noteOriginal = async (old: ReplicationController): Promise<void> => {
    if (notedReplicas(old, originalReplicasAnnotation) !== undefined) return
    const annotations = { [originalReplicasAnnotation]: String(old.spec.replicas ?? 1) }
    await controllers.patch(oldName, { metadata: { annotations } })
  }

  /** The one that shrank goes, and of the other what this update has noted. */
  const conclude = async (shrunk: ReplicationController, grown: string): Promise<void> => {
    say(`Update succeeded. Deleting ${shrunk.metadata.name}`)
    await controllers.delete(shrunk, 'Background')
    await controllers.patch(grown, { metadata: { annotations: noNotes } })
  }

  /** All pods become the target's; resolves to its controller. */
  const replace = async (old: ReplicationController, target: Target): Promise<ReplicationController> => {
    const next = await openTarget(old, target)
    await noteOriginal(old)
    const desired = notedReplicas(next, desiredReplicasAnnotation) ?? 0
    return roll(rollOptions, target.name, oldName, desired)
  }

  const told = (name: string, what: string): void => say(`replicationcontroller/${name} ${what}`)

  const isToldOnly = (to: string): boolean => {
    if (isDry) say(`Rolling from:\n${oldName}\nTo:\n${to}`)
    return isDry
  }

  /** The old one went, and nobody has taken the notes away. Rejects when there never was such an update. */
  const concludeWithout = async (name: string): Promise<void> => {
    const next = await controllers.find(name)
    if (!next || !replaces(next, oldName)) return void (await controllers.get(oldName))
    if (isToldOnly(name)) return
    await controllers.patch(name, { metadata: { annotations: noNotes } })
    told(name, `rolling updated to "${name}"`)
  }

  const byManifest = async (target: Target): Promise<void> => {
    const { name } = target
    const old = await controllers.find(oldName)
    if (!old) return concludeWithout(name)
    checkSelectors(old.spec.selector, target, oldName)
    if (isToldOnly(name)) return
    await replace(old, target)
    await conclude(old, name)
    told(name, `rolling updated to "${name}"`)
  }

  const goOnRenaming = async (old: ReplicationController, stash: Stash, change: ImageChange): Promise<void> => {
    const { image = '' } = containerOf({ spec: stash.spec }, change)
    if (image !== change.image) throw new Error(inUse(image))
    if (isToldOnly(oldName)) return
    say(`Found existing update in progress (${stash.from}), resuming.`)
    await finishRename(controllers, old, stash, say)
    told(oldName, 'rolling updated')
  }

  /** The controller that an update by image has made, or is to make. */
  const targetOf = async (old: ReplicationController, change: ImageChange, given?: string): Promise<Target> => {
    const name = given ?? old.metadata.annotations?.[nextControllerAnnotation]
    const found = name === undefined ? undefined : await controllers.find(name)
    if (!found) return targetOfImage(old, change, name)
    const { image = '' } = containerOf(found, change)
    if (image !== change.image) throw new Error(inUse(image))
    say(`Found existing update in progress (${found.metadata.name}), resuming.`)
    const { metadata, spec } = found
    return {
      name: metadata.name,
      selector: spec.selector ?? {},
      replicas: undefined,
      metadata: { ...metadata },
      spec: { ...spec },
    }
  }

  const byImage = async (change: ImageChange, name: string | undefined): Promise<void> => {
    const old = await controllers.find(oldName)
    if (!old) return concludeWithout(name ?? oldName)
    const stash = renameOf(old)
    if (stash) return goOnRenaming(old, stash, change)
    const target = await targetOf(old, change, name)
    const label = [change.key, old.spec.selector?.[change.key] ?? oldLabelOf(old, change)] as const
    checkSelectors({ ...old.spec.selector, [label[0]]: label[1] }, target, oldName)
    if (isToldOnly(target.name)) return
    await tellApart(controllers, old, target.name, label)
    const next = await replace(await controllers.get(oldName), target)
    if (name !== undefined) {
      await conclude(old, name)
      return told(name, `rolling updated to "${name}"`)
    }
    say('Update succeeded.')
    await rename(controllers, old, next, say)
    told(oldName, 'rolling updated')
  }

  const rollBack = async (given: string | undefined): Promise<void> => {
    const old = await controllers.get(oldName)
    const stash = renameOf(old)
    if (stash)
      throw new Error(`the update of ${oldName} is done but for its name: ask for it once more in place of --rollback`)
    const { annotations } = old.metadata
    const name = given ?? annotations?.[nextControllerAnnotation]
    if (name === undefined)
      throw new Error(`${oldName} is in no update that --rollback could reverse; name the new controller`)
    const next = await controllers.find(name)
    if (!next) {
      if (!replaces(old, name)) throw new Error(`Could not find ${name} to rollback.`)
      if (isToldOnly(oldName)) return
      await controllers.patch(oldName, { metadata: { annotations: noNotes } })
      return told(oldName, 'rolled back')
    }
    const isBegun = annotations?.[sourceIdAnnotation] === sourceIdOf(next)
    if (!isBegun && next.metadata.annotations?.[sourceIdAnnotation] !== sourceIdOf(old))
      throw new Error(
        `Missing/unexpected annotations for controller ${name}, expected ${sourceIdAnnotation}=${sourceIdOf(old)}: ${notesOf(next)}`,
      )
    checkSelectors(old.spec.selector, { name, selector: next.spec.selector ?? {} }, oldName)
    if (isDry) return say(`Rolling from:\n${name}\nTo:\n${oldName}`)
    // Before it is noted nothing has been scaled.
    const original = notedReplicas(old, originalReplicasAnnotation) ?? old.spec.replicas ?? 1
    say(`Setting "${oldName}" replicas to ${original}`)
    await controllers.patch(oldName, {
      metadata: {
        annotations: { [sourceIdAnnotation]: sourceIdOf(next), [desiredReplicasAnnotation]: String(original) },
      },
    })
    await roll(rollOptions, oldName, name, original)
    await conclude(next, oldName)
    told(oldName, 'rolled back')
  }

  if (wish.kind === 'manifest') return byManifest(wish.target)
  if (wish.kind === 'image') return byImage(wish.change, wish.name)
  return rollBack(wish.name)
}

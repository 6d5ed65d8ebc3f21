/**
 * The old controller becomes the new one. A controller that is deleted to be made again under another name would be lost with an
 * interruption in between: so all that the new one is goes into a note at the old one first, then the new one leaves its
 * pods, and then the old one is written as the note says, which takes the pods over.
 */
import { isConflict } from '../../api/errors.ts'
import type { ReplicationController } from '../../api/types/kubernetes/core-v1.ts'
import { renameAnnotation, sourceIdAnnotation, sourceIdOf } from './annotations.ts'
import type { Controllers } from './controllers.ts'
import { readStash, type Stash, stashOf } from './target.ts'

/** The rename that this controller was in when it was interrupted. */
export const renameOf = ({ metadata }: ReplicationController): Stash | undefined => {
  const text = metadata.annotations?.[renameAnnotation]
  const stash = text === undefined ? undefined : readStash(text)
  if (text !== undefined && !stash)
    throw new Error(`the annotation ${renameAnnotation} of ${metadata.name} is not what a rolling update has written`)
  return stash
}

/** Somebody who writes a status at the same time is no reason to give up. */
const attempts = 10

const become = async (controllers: Controllers, name: string, { labels, annotations, spec }: Stash): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    const before = await controllers.get(name)
    const after = { ...before, metadata: { ...before.metadata, labels, annotations }, spec }
    try {
      await controllers.replace(after)
      return
    } catch (error) {
      if (!isConflict(error) || attempt === attempts) throw error
    }
  }
}

/** Goes on from the note. */
export const finishRename = async (
  controllers: Controllers,
  old: ReplicationController,
  stash: Stash,
  say: (line: string) => void,
): Promise<void> => {
  const { name } = old.metadata
  say(`Renaming ${stash.from} to ${name}`)
  /** A namesake that somebody has made meanwhile has nothing to do with it. */
  const find = async (): Promise<ReplicationController | undefined> => {
    const found = await controllers.find(stash.from)
    return found?.metadata.annotations?.[sourceIdAnnotation] === sourceIdOf(old) ? found : undefined
  }
  const leaving = await find()
  if (leaving) await controllers.delete(leaving, 'Orphan')
  await controllers.poll(
    async () => ((await find()) ? undefined : true),
    () => `${stash.from} to leave its pods: does the garbage collector run?`,
  )
  await become(controllers, name, stash)
}

export const rename = async (
  controllers: Controllers,
  old: ReplicationController,
  next: ReplicationController,
  say: (line: string) => void,
): Promise<void> => {
  const stash = stashOf(next)
  const annotations = { [renameAnnotation]: JSON.stringify(stash) }
  await controllers.patch(old.metadata.name, { metadata: { annotations } })
  await finishRename(controllers, old, stash, say)
}

/** The pods of this node: those that the API has bound to it, and those of its own files, whose mirrors at the API nobody runs. */
import { isDeepStrictEqual } from 'node:util'
import { type CopyReader, createLocalCopy } from '../../api/local-copy.ts'
import { isFinished, isMirrorPod, mirrorAnnotation } from '../../api/pods.ts'
import { objectKey } from '../../api/resources.ts'
import type { Pod, PodStatus } from '../../api/types/index.ts'
import type { StatusWriter } from '../pods/status-writer.ts'

type ApiPods = Pick<CopyReader<Pod>, 'get' | 'values' | 'onChange'>

export interface NodePods {
  readonly pods: CopyReader<Pod>
  /** In place of those of before. */
  setStatic(pods: readonly Pod[]): void
  /** By `namespace/name`. */
  staticPods(): ReadonlyMap<string, Pod>
  isStatic(uid: string): boolean
  /** What was said of static pods is said no longer: that they have ended may not be so for ever. Their uids. */
  renewStatic(): readonly string[]
  /** What the API shows of a static pod, if that is what it should. */
  mirrorOf(pod: Pod): Pod | undefined
  /** The same for static pods, whose status is kept here and shown by their mirrors. */
  statuses(writer: StatusWriter): StatusWriter
}

/** Labels decide which traffic it gets: nobody else's are shown. */
export const isMirrorOf = (found: Pod, pod: Pod): boolean =>
  found.metadata.annotations?.[mirrorAnnotation] === pod.metadata.uid &&
  isDeepStrictEqual(found.metadata.labels ?? {}, pod.metadata.labels ?? {}) &&
  !found.metadata.deletionTimestamp

export const createNodePods = (api: ApiPods): NodePods => {
  const copy = createLocalCopy<Pod>('pods', {})
  const statuses = new Map<string, PodStatus>()
  let own: ReadonlyMap<string, Pod> = new Map()

  const uidOf = ({ metadata }: Pod): string => metadata.uid ?? ''
  const mirrorOf = (pod: Pod): Pod | undefined => {
    const found = api.get(objectKey(pod))
    return found && isMirrorOf(found, pod) ? found : undefined
  }
  const withStatus = (pod: Pod): Pod => {
    const shown = mirrorOf(pod)
    // An end that an earlier agent has told may be one of an earlier boot: what is found on the node decides.
    const status = statuses.get(uidOf(pod)) ?? (shown && !isFinished(shown) ? shown.status : undefined)
    return status ? { ...pod, status } : pod
  }
  const isStatic = (uid: string): boolean => [...own.values()].some((pod) => uidOf(pod) === uid)

  const look = (key: string): void => {
    const [pod, found] = [own.get(key), api.get(key)]
    copy.set(key, pod ? withStatus(pod) : found && !isMirrorPod(found) ? found : undefined)
  }
  api.onChange(look)

  return {
    pods: copy.reader,
    staticPods: () => own,
    isStatic,
    mirrorOf,
    setStatic: (pods) => {
      const before = own
      own = new Map(pods.map((pod) => [objectKey(pod), pod]))
      for (const uid of statuses.keys()) if (!isStatic(uid)) statuses.delete(uid)
      for (const key of new Set([...before.keys(), ...own.keys()]))
        if (before.get(key)?.metadata.uid !== own.get(key)?.metadata.uid) look(key)
    },
    renewStatic: () => {
      statuses.clear()
      for (const key of own.keys()) look(key)
      return [...own.values()].map(uidOf)
    },
    statuses: (writer) => ({
      latest: (seen) => (isStatic(uidOf(seen)) ? withStatus(seen) : writer.latest(seen)),
      forget: writer.forget,
      write: async (seen, compute) => {
        if (!isStatic(uidOf(seen))) return writer.write(seen, compute)
        const status = compute(withStatus(seen))
        if (!isDeepStrictEqual(status, statuses.get(uidOf(seen)))) {
          statuses.set(uidOf(seen), status)
          look(objectKey(seen))
        }
        const mirror = mirrorOf(seen)
        if (mirror) await writer.write(mirror, () => status)
        return true
      },
    }),
  }
}

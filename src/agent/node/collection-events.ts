/** Events on the node about images that could not be removed, in the kubelet's words. */
import type { EventRecorder } from '../../api/event-recorder.ts'
import type { ObjectReference } from '../../api/types/index.ts'
import type { OnCollectionFailure } from '../../images/collect/collector.ts'

export const createCollectionEvents =
  (events: Pick<EventRecorder, 'record'>, node: ObjectReference): OnCollectionFailure =>
  (message, { wantedBytes, missingBytes }) => {
    const tell = (reason: string, text: string): void => events.record(node, 'Warning', reason, text)
    if (missingBytes === 0) return tell('ImageGCFailed', message)
    const freed = Math.max(0, wantedBytes - missingBytes)
    const shortage = `Failed to garbage collect required amount of images. Attempted to free ${wantedBytes} bytes, but only found ${freed} bytes eligible to free.`
    tell('FreeDiskSpaceFailed', shortage)
    tell('ImageGCFailed', shortage)
  }

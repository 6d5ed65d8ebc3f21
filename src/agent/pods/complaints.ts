/** What a plan gives reason to complain about. Pure. */
import type { EventType } from '../../api/event-recorder.ts'
import type { Plan, Waiting } from './plan.ts'
import { latestOf, type PodView, podLabel } from './view.ts'

export interface Complaint {
  readonly type: EventType
  /** The same complaint has the same key: it is made once. */
  readonly key: string
  readonly reason: string
  readonly message: string
  readonly container?: string
}

const networkComplaints = ({ networkTrouble }: PodView): readonly Complaint[] =>
  networkTrouble === undefined
    ? []
    : [{ type: 'Warning', key: networkTrouble, reason: 'NetworkNotReady', message: networkTrouble }]

const unable = (container: string, reason: string): Omit<Complaint, 'key'> => ({
  ...{ type: 'Warning', reason: 'Failed', message: `Error: ${reason}`, container },
})

/** What is said of a container that waits for its image. */
const imageComplaints = (container: string, { reason, message = '' }: Waiting): readonly Omit<Complaint, 'key'>[] => {
  switch (reason) {
    case 'ErrImagePull':
      return [unable(container, reason)]
    case 'ImagePullBackOff':
      return [{ type: 'Normal', reason: 'BackOff', message, container }, unable(container, reason)]
    case 'ErrImageNeverPull':
      return [{ type: 'Warning', reason, message, container }, unable(container, reason)]
    case 'ImageInspectError':
    case 'InvalidImageName':
      return [{ type: 'Warning', reason: 'InspectFailed', message, container }, unable(container, reason)]
    default:
      return []
  }
}

/** Files of other owners, devices: what a node of an ordinary user leaves out. The pod may run all the same. */
const limitedImages = ({ images }: PodView): readonly Complaint[] =>
  [...images].flatMap(([container, { reference, found }]): readonly Complaint[] => {
    if (!found || found.limitations.length === 0) return []
    const message = `Image "${reference}" is not whole on this node: ${found.limitations.join('; ')}`
    return [{ type: 'Warning', key: message, reason: 'LimitedImage', message, container }]
  })

const waitingComplaints = (view: PodView, container: string, waiting: Waiting): readonly Complaint[] => {
  const { reason, message = '' } = waiting
  if (reason === 'Unsupported') return [{ type: 'Warning', key: `${reason} ${message}`, reason, message }]
  if (reason === 'CrashLoopBackOff') {
    const text = `Back-off restarting failed container ${container} in pod ${podLabel(view.pod)}`
    const key = latestOf(view, container)?.id ?? container
    return [{ type: 'Warning', key, reason: 'BackOff', message: text, container }]
  }
  const instance = `${latestOf(view, container)?.id ?? container} ${view.images.get(container)?.pull.failure?.count ?? 0}`
  return imageComplaints(container, waiting).map((each, at) => ({ ...each, key: `${instance} ${reason} ${at}` }))
}

/** For Events. A back-off is complained about once for each instance, or try to fetch an image, that it follows. */
export const complaintsOf = (view: PodView, plan: Plan): readonly Complaint[] => [
  ...networkComplaints(view),
  ...limitedImages(view),
  ...[...plan.waiting].flatMap(([container, waiting]) => waitingComplaints(view, container, waiting)),
]

/** `GET pods/NAME/log`: asks the agent of the pod's node, and passes its bytes on. */
import { Readable } from 'node:stream'
import { ApiError, badRequest } from '../../api/errors.ts'
import type { Pod } from '../../api/types/index.ts'
import { startOf } from '../dial/agent-request.ts'
import type { Dialer } from '../dial/dialer.ts'
import type { Objects } from '../objects/objects.ts'
import type { SubresourceHandler } from '../server/resources.ts'
import { logSocket } from './log-socket.ts'
import { chooseContainer } from './node-of-pod.ts'
import { getFromAgent, isUpgrade } from './pass-on.ts'

/** The options of kubectl's `logs` that the agent understands; the rest is not passed on. */
const passedOn = ['follow', 'previous', 'sinceSeconds', 'sinceTime', 'tailLines', 'limitBytes', 'timestamps']

const maxMessageBytes = 4096

export const podLog =
  (objects: Objects, dialer: Dialer): SubresourceHandler =>
  async (call, { namespace, name }, definition) => {
    const pod = objects.get(definition, { namespace, name }) as Pod
    const container = chooseContainer(pod, call.query.get('container'))
    const { nodeName } = pod.spec
    // Nothing was said before it has a node, as in Kubernetes.
    if (!nodeName) {
      if (isUpgrade(call)) return logSocket(call, Readable.from([]))
      return { kind: 'bytes', contentType: 'text/plain', bytes: '', code: 204 }
    }
    const query = new URLSearchParams(
      passedOn.flatMap((option) => {
        const value = call.query.get(option)
        return value === null ? [] : [[option, value] as [string, string]]
      }),
    )
    const path = `/containerLogs/${namespace}/${name}/${container}?${query}`
    const answer = await getFromAgent(dialer, nodeName, path, call.signal)
    if (answer.code === 200 && isUpgrade(call)) return logSocket(call, answer.body)
    if (answer.code === 200) return { kind: 'stream', contentType: 'text/plain', chunks: answer.body }
    const said = await startOf(answer.body, maxMessageBytes)
    if (answer.code === 404)
      throw badRequest(`container "${container}" in pod "${name}" is waiting to start: ContainerCreating`)
    throw new ApiError(answer.code, answer.code === 400 ? 'BadRequest' : 'InternalError', said)
  }

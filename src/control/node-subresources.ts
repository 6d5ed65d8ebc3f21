/** All that reaches through to a node. */
import type { Dialer } from './dial/dialer.ts'
import type { Objects } from './objects/objects.ts'
import type { SubresourceHandler } from './server/resources.ts'
import { podLog } from './streams/pod-log.ts'
import { podAttach, podExec, podPortForward } from './streams/pod-streams.ts'
import { proxies } from './streams/proxy/proxy.ts'

export const nodeSubresources = (objects: Objects, dialer: Dialer): Readonly<Record<string, SubresourceHandler>> => ({
  'pods/log get': podLog(objects, dialer),
  'pods/exec create': podExec(objects, dialer),
  'pods/attach create': podAttach(objects, dialer),
  'pods/portforward create': podPortForward(objects, dialer),
  ...proxies(objects, dialer),
})

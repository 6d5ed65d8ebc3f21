import type { ResourceDefinition } from '../definition.ts'
import { configMap, secret } from './config.ts'
import { endpoints } from './endpoints.ts'
import { event } from './event.ts'
import { namespace } from './namespace.ts'
import { node } from './node.ts'
import { pod } from './pod.ts'
import { service } from './service.ts'

/** The kinds of this group. A new one is a file beside this, a line here, and the forms of its texts in formats.ts. */
export const coreKinds: readonly ResourceDefinition[] = [
  configMap,
  endpoints,
  event,
  namespace,
  node,
  pod,
  secret,
  service,
]

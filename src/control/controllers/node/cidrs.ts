/** Gives every node its part of the pod addresses. */

import { referenceTo } from '../../../api/event-recorder.ts'
import { podCIDRsOf } from '../../../api/nodes.ts'
import { nodes } from '../../../api/resources.ts'
import type { Node } from '../../../api/types/index.ts'
import type { Outcome } from '../../../api/work-queue.ts'
import { createQueue } from '../../../controller/queue.ts'
import { cidrOf, parseCidr } from '../../../ip/cidr.ts'
import { createSubnetPool, isExhausted, isOutOfRange, isTaken } from '../../../ipam/pool.ts'
import { type CreateController, recorderFor } from '../controller.ts'

const name = 'node-ipam-controller'

export const createNodeCidrController: CreateController = (context) => {
  const { client, informers, log, settings } = context
  const copies = informers.of(nodes)
  const events = recorderFor(context, name)
  const pools = settings.podCIDRs.map((cidr) => {
    const { family } = cidrOf(cidr)
    return { family, pool: createSubnetPool({ cidr, prefixLength: settings.nodePrefixLengths[family] }) }
  })

  const keep = (node: Node, cidr: string): void => {
    const family = parseCidr(cidr)?.family
    try {
      pools.find((each) => each.family === family)?.pool.assign(node.metadata.name, cidr)
    } catch (error) {
      if (!isTaken(error) && !isOutOfRange(error)) throw error
      // An administrator has set it. Agents send its pods no traffic.
      log.error({ node: node.metadata.name, cidr, err: error }, 'podCIDR conflicts with another node or the pool')
      const message = `podCIDR ${cidr} conflicts with another node or is outside of the cluster's: delete the Node`
      events.record({ ...referenceTo(node), uid: node.metadata.name }, 'Warning', 'CIDRConflict', message)
    }
  }

  const give = async (node: Node): Promise<Outcome> => {
    try {
      const podCIDRs = pools.map(({ pool }) => pool.assign(node.metadata.name))
      const { uid } = node.metadata
      await client.patch(nodes, node, { metadata: { uid }, spec: { podCIDR: podCIDRs[0], podCIDRs } })
      return 'done'
    } catch (error) {
      if (!isExhausted(error)) throw error
      const about = { ...referenceTo(node), uid: node.metadata.name }
      events.record(about, 'Normal', 'CIDRNotAvailable', `Node ${node.metadata.name} status is now: CIDRNotAvailable`)
      throw error
    }
  }

  const reconcile = async (key: string): Promise<Outcome> => {
    const node = copies.get(key)
    if (!node) {
      for (const { pool } of pools) pool.release(key)
      return 'done'
    }
    const cidrs = podCIDRsOf(node)
    if (cidrs.length === 0) return give(node)
    for (const cidr of cidrs) keep(node, cidr)
    return 'done'
  }

  const queue = createQueue(context, name, reconcile)

  return {
    name,
    run: (signal) => {
      // What is given already is known before anything new is given.
      for (const node of copies.values()) for (const cidr of podCIDRsOf(node)) keep(node, cidr)
      copies.onChange((key) => queue.add(key))
      return queue.run(signal)
    },
  }
}

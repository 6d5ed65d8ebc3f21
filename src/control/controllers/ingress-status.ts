/** Says in each Ingress where it is served: on every node that is ready. */
import { isDeepStrictEqual } from 'node:util'
import { ingressClasses, ingresses, nodes } from '../../api/resources.ts'
import type { Ingress, LoadBalancerIngress, Node } from '../../api/types/index.ts'
import type { Outcome } from '../../api/work-queue.ts'
import { createQueue } from '../../controller/queue.ts'
import { classView, ingressView, isServed } from '../../proxy/ingress/routes/model.ts'
import type { CreateController } from './controller.ts'
import { readiness } from './node-health.ts'
import { onRelevantChange } from './relevant-change.ts'
import { writeStatus } from './write-status.ts'

const name = 'ingress-status'

/** What somebody else wrote into a status is put right after so long: two who do it at once would never end. */
const repairMs = 30_000

/** Nothing else decides whether an Ingress is ours. */
const classOf = (ingress: Ingress): unknown => {
  const { annotatedClass, namedClass } = ingressView(ingress)
  return { annotatedClass, namedClass }
}

/** Where Ingresses are reached. Pure. */
export const servingAddresses = (all: Iterable<Node>): readonly LoadBalancerIngress[] =>
  [...all]
    .filter((node) => readiness(node) === 'True' && node.metadata.deletionTimestamp === undefined)
    .flatMap(({ status }) => (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP'))
    .map(({ address }) => ({ ip: address }))
    .sort((a, b) => (a.ip < b.ip ? -1 : 1))

/** What one node adds to them. */
export const addressesServedBy = (node: Node): readonly LoadBalancerIngress[] => servingAddresses([node])

export const createIngressStatusController: CreateController = (context) => {
  const { client, informers } = context
  const copies = informers.of(ingresses)
  const classes = informers.of(ingressClasses)
  const nodeCopies = informers.of(nodes)

  const isOurs = (ingress: Ingress): boolean =>
    isServed(ingressView(ingress), new Map([...classes.entries()].map(([key, each]) => [key, classView(each)])))

  const reconcile = async (key: string): Promise<Outcome> => {
    const ingress = copies.get(key)
    if (!ingress) return 'done'
    const addresses = servingAddresses(nodeCopies.values())
    const shown = ingress.status?.loadBalancer?.ingress ?? []
    if (isOurs(ingress)) await writeStatus(client, ingresses, ingress, { loadBalancer: { ingress: addresses } })
    // Of an Ingress that has gone over to another class, what we said is taken back; what others say is theirs.
    else if (shown.length > 0 && isDeepStrictEqual(shown, addresses))
      await writeStatus(client, ingresses, ingress, { loadBalancer: undefined })
    return 'done'
  }

  const queue = createQueue(context, name, reconcile)
  const addAll = (): void => {
    for (const [key] of copies.entries()) queue.add(key)
  }

  return {
    name,
    run: (signal) => {
      copies.onChange((key, current, previous) => {
        if (current && previous && isDeepStrictEqual(classOf(current), classOf(previous))) queue.addAfter(key, repairMs)
        else queue.add(key)
      })
      classes.onChange(addAll)
      onRelevantChange(nodeCopies, addressesServedBy, addAll)
      return queue.run(signal)
    },
  }
}

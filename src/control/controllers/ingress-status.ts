/** Says in each Ingress where it is served: on every node that is ready. */
import { ingressClasses, ingresses, nodes } from '../../api/resources.ts'
import type { Ingress, IngressClass, LoadBalancerIngress, Node } from '../../api/types/index.ts'
import type { Outcome } from '../../api/work-queue.ts'
import { ingressController } from '../bootstrap.ts'
import { type CreateController, createQueue } from './controller.ts'
import { readiness } from './node/health.ts'
import { writeStatus } from './write-status.ts'

const name = 'ingress-status'
const legacyAnnotation = 'kubernetes.io/ingress.class'

const classOf = ({ metadata, spec }: Ingress): string | undefined =>
  spec?.ingressClassName ?? metadata.annotations?.[legacyAnnotation]

/** Where Ingresses are reached. Pure. */
export const servingAddresses = (all: Iterable<Node>): readonly LoadBalancerIngress[] =>
  [...all]
    .filter((node) => readiness(node) === 'True' && node.metadata.deletionTimestamp === undefined)
    .flatMap(({ status }) => (status?.addresses ?? []).filter(({ type }) => type === 'InternalIP'))
    .map(({ address }) => ({ ip: address }))
    .sort((a, b) => (a.ip < b.ip ? -1 : 1))

export const createIngressStatusController: CreateController = (context) => {
  const { client, informers } = context
  const copies = informers.of(ingresses)
  const classes = informers.of(ingressClasses)
  const nodeCopies = informers.of(nodes)

  const isOurs = (ingress: Ingress): boolean => {
    const found: IngressClass | undefined = classes.get(classOf(ingress) ?? '')
    return found?.spec?.controller === ingressController
  }

  const reconcile = async (key: string): Promise<Outcome> => {
    const ingress = copies.get(key)
    if (!ingress || !isOurs(ingress)) return 'done'
    const loadBalancer = { ingress: servingAddresses(nodeCopies.values()) }
    await writeStatus(client, ingresses, ingress, { loadBalancer })
    return 'done'
  }

  const queue = createQueue(context, name, reconcile)
  const addAll = (): void => {
    for (const [key] of copies.entries()) queue.add(key)
  }

  return {
    name,
    run: (signal) => {
      copies.onChange((key) => queue.add(key))
      classes.onChange(addAll)
      nodeCopies.onChange(addAll)
      return queue.run(signal)
    },
  }
}

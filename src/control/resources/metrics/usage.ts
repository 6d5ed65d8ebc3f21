/** What the kinds of this group have in common: readings of the nodes' agents, as metrics-server shows them. */
import { addAmounts, amountOf, amountText, noAmount } from '../../../api/quantity.ts'
import type { KubeObject, StringMap } from '../../../api/types/index.ts'
import type { Column, ResourceDefinition } from '../definition.ts'
import { subdomainName } from '../names.ts'

/** Read when somebody asks, and kept nowhere. A cluster whose users have a server of their own for it gets theirs. */
export const observed = {
  group: 'metrics.k8s.io',
  version: 'v1beta1',
  verbs: ['get', 'list'],
  givesWay: true,
  nameRule: subdomainName,
} as const satisfies Partial<ResourceDefinition>

interface Measured extends KubeObject {
  readonly window: string
}

/** The columns of metrics-server; `usages` are added up. */
export const usageColumns = <T extends Measured>(usages: (object: T) => readonly StringMap[]): readonly Column<T>[] => {
  const total = (object: T, resource: string): string =>
    amountText(
      usages(object)
        .map((usage) => amountOf(usage[resource]))
        .reduce(addAmounts, noAmount),
    )
  const quantity = (resource: string, description: string): Column<T> => ({
    ...{ name: resource, type: 'string', format: 'quantity', priority: 0, description },
    cell: (object) => total(object, resource),
  })
  return [
    quantity('cpu', 'CPU time a second, over the window'),
    quantity('memory', 'Memory that cannot be had back without swapping'),
    {
      ...{ name: 'Window', type: 'string', format: 'duration', priority: 0 },
      description: 'The time that the CPU was measured over',
      cell: ({ window }) => window,
    },
  ]
}

/** Ports of the node that the pod wants for itself. */
import { isSameHostPort } from '../../../api/host-ports.ts'
import type { Filter } from '../framework/filter.ts'
import { hostPortsOf } from '../framework/node-state.ts'
import type { Plugin } from '../framework/plugin.ts'

const filter: Filter = {
  helpedBy: ['node', 'pod gone'],
  prepare: (pod) => {
    const wanted = hostPortsOf(pod)
    if (wanted.length === 0) return undefined
    return {
      check: ({ withHostPorts }) => {
        for (const other of withHostPorts)
          if (hostPortsOf(other).some((taken) => wanted.some((port) => isSameHostPort(port, taken))))
            return { reasons: ["node(s) didn't have free ports for the requested pod ports"], isFinal: false }
        return undefined
      },
    }
  },
}

export const nodePorts: Plugin = { name: 'NodePorts', filter }

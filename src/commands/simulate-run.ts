import { randomUUID } from 'node:crypto'
import type { NodeFleet } from '../agent/simulate/simulated-node.ts'
import { runSimulation } from '../agent/simulate/simulation.ts'
import { createClient } from '../api/client.ts'
import { openTransport } from '../api/http-transport.ts'
import { kubernetesVersion } from '../api/kubernetes-version.ts'
import { checkLabelValue, checkSubdomain } from '../api/names.ts'
import { parseQuantity, quantityValue } from '../api/quantity.ts'
import { counted } from '../host/counted.ts'
import { createLogger } from '../host/log.ts'
import { podwayVersion } from '../host/version.ts'
import { cidrSize, parseCidr } from '../ip/cidr.ts'
import { findKubeconfig } from './kubeconfig.ts'
import type { SimulateOptions } from './simulate.ts'
import { stopSignal } from './stop-signal.ts'
import { UsageError } from './usage-error.ts'

const amountOption = (name: string, text: string): number => {
  if (parseQuantity(text) === undefined || quantityValue(text) < 1)
    throw new UsageError(`${name} ${text}: expected an amount such as 32 or 256Gi`)
  return quantityValue(text)
}

const fleetOf = (options: SimulateOptions): NodeFleet => {
  const { nodes: count, namePrefix: prefix, nodeCidr: cidr, maxPods } = options
  const last = `${prefix}-${count - 1}`
  const wrong = checkSubdomain(last) ?? checkLabelValue(last)
  if (wrong !== undefined) throw new UsageError(`--name-prefix ${prefix}: ${wrong}`)
  const range = parseCidr(cidr)
  // Neither the network's own address nor the last one, which may be its broadcast address.
  if (!range || cidrSize(range) < BigInt(count) + 2n)
    throw new UsageError(`--node-cidr ${cidr}: expected a range with an address for ${counted(count, 'node')}`)
  const size = {
    cpus: amountOption('--cpu', options.cpu),
    memoryBytes: amountOption('--memory', options.memory),
    maxPods,
  }
  return { count, prefix, cidr, size, version: kubernetesVersion(podwayVersion()) }
}

export const simulate = async (options: SimulateOptions): Promise<void> => {
  const { kubeconfig, lab, startDelay, runFor, stopDelay, leasePeriod, deleteNodes = false } = options
  if (leasePeriod <= 0) throw new UsageError('--lease-period 0: expected more than 0 seconds')
  const fleet = fleetOf(options)
  const { transport } = await openTransport(kubeconfig ?? (await findKubeconfig(lab)))
  try {
    await runSimulation(
      {
        ...{
          client: createClient(transport),
          fleet,
          log: createLogger('simulate'),
          identity: `simulate-${randomUUID()}`,
        },
        delays: { startMs: startDelay * 1000, runMs: runFor * 1000, stopMs: stopDelay * 1000 },
        ...{ leaseMs: leasePeriod * 1000, removesNodes: deleteNodes },
      },
      stopSignal(),
    )
  } finally {
    await transport.close()
  }
}

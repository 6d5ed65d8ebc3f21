/** The rules that kube-proxy would write for plain Services: one in a common chain for each, endpoints by chance. */
import type { Chain } from '../../src/host/netfilter/tables.ts'

export interface PlainService {
  readonly address: string
  readonly endpoints: readonly string[]
  readonly port?: number
}

const markChain = 'KUBE-MARK-MASQ'

const chainsOf = ({ address, endpoints, port = 8080 }: PlainService, index: number): readonly Chain[] => {
  const separate = endpoints.map(
    (endpoint, at): Chain => ({
      name: `KUBE-SEP-${index}-${at}`,
      rules: [`-s ${endpoint}/32 -j ${markChain}`, `-p tcp -m tcp -j DNAT --to-destination ${endpoint}:${port}`],
    }),
  )
  const service: Chain = {
    name: `KUBE-SVC-${index}`,
    rules: [
      `! -s 10.1.0.0/24 -d ${address}/32 -p tcp -m tcp --dport 80 -j ${markChain}`,
      ...separate.map(({ name }, at) => {
        const left = endpoints.length - at
        const chance = left === 1 ? '' : `-m statistic --mode random --probability ${(1 / left).toFixed(10)} `
        return `${chance}-j ${name}`
      }),
    ],
  }
  return [...separate, service]
}

export const servicesChain = 'KUBE-SERVICES'

/** Chains in the order in which they may be written, and the rules of the common chain. */
export const kubeProxyLayout = (services: readonly PlainService[]) => ({
  chains: [
    { name: markChain, rules: ['-j MARK --set-xmark 0x4000/0x4000'] },
    ...services.flatMap(chainsOf),
  ] as readonly Chain[],
  dispatch: services.map(
    ({ address }, index) => `-d ${address}/32 -p tcp -m tcp --dport 80 -j KUBE-SVC-${index}`,
  ) as readonly string[],
})

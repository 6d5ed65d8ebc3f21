/** The rules that kube-proxy would write for plain Services: one in a common chain for each, endpoints by chance. */
import { always, argument, chainName, type Rule, rule } from '../../src/host/netfilter/rule.ts'
import type { Chain } from '../../src/host/netfilter/tables.ts'

export interface PlainService {
  readonly address: string
  readonly endpoints: readonly string[]
  readonly port?: number
}

const markChain = chainName('KUBE-MARK-MASQ')

const chainsOf = ({ address, endpoints, port = 8080 }: PlainService, index: number): readonly Chain[] => {
  const separate = endpoints.map(
    (endpoint, at): Chain => ({
      name: chainName(`KUBE-SEP-${index}-${at}`),
      rules: [
        rule`-s ${argument(`${endpoint}/32`)} -j ${markChain}`,
        rule`-p tcp -m tcp -j DNAT --to-destination ${argument(`${endpoint}:${port}`)}`,
      ],
    }),
  )
  const service: Chain = {
    name: chainName(`KUBE-SVC-${index}`),
    rules: [
      rule`! -s 10.1.0.0/24 -d ${argument(`${address}/32`)} -p tcp -m tcp --dport 80 -j ${markChain}`,
      ...separate.map(({ name }, at) => {
        const left = endpoints.length - at
        const chance =
          left === 1 ? always : rule`-m statistic --mode random --probability ${argument((1 / left).toFixed(10))}`
        return rule`${chance} -j ${name}`
      }),
    ],
  }
  return [...separate, service]
}

export const servicesChain = chainName('KUBE-SERVICES')

/** Chains in the order in which they may be written, and the rules of the common chain. */
export const kubeProxyLayout = (services: readonly PlainService[]) => ({
  chains: [
    { name: markChain, rules: [rule`-j MARK --set-xmark 0x4000/0x4000`] },
    ...services.flatMap(chainsOf),
  ] as readonly Chain[],
  dispatch: services.map(
    ({ address }, index): Rule =>
      rule`-d ${argument(`${address}/32`)} -p tcp -m tcp --dport 80 -j ${chainName(`KUBE-SVC-${index}`)}`,
  ),
})

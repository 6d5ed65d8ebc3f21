/** The Ingress proxy in a process of its own, fed by hand. Its argument is `OursOptions`, its questions are `Change`. */
import { serviceOfSlice } from '../../../../src/api/slices.ts'
import { silentLogger } from '../../../../src/host/log.ts'
import type { NamedData } from '../../../../src/proxy/ingress/data/named-data.ts'
import { createIngress } from '../../../../src/proxy/ingress/ingress.ts'
import { service, slice } from '../../../support/cluster-objects.ts'
import { createFedInformer } from '../../../support/fed-informer.ts'
import { ingress, ingressClass, path } from '../../../support/ingress-objects.ts'
import { hostOf, type OursOptions } from './proxies.ts'

/** Either an Ingress gets another host, or the Service other endpoints. */
export type Change =
  | { readonly kind: 'host'; readonly route: number; readonly host: string }
  | { readonly kind: 'endpoints'; readonly addresses: readonly string[] }

const { routes, addresses, backendPort, certificate }: OursOptions = JSON.parse(process.argv[2] ?? '')

const holding = (data: Readonly<Record<string, string>> | undefined): NamedData => ({
  get: () => data,
  retain: () => {},
  onChange: () => {},
  settled: async () => {},
  run: async () => {},
})

const ingressOf = (route: number, host: string) => {
  const made = ingress({
    ...{ name: `i${route}`, className: 'podway', rules: { [host]: [path('prefix:/', 'web')] } },
    annotations: { 'nginx.ingress.kubernetes.io/proxy-body-size': '0' },
  })
  return certificate ? { ...made, spec: { ...made.spec, tls: [{ hosts: [host], secretName: 'tls' }] } } : made
}

const sliceOf = (all: readonly string[]) =>
  slice(
    'web',
    all.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    [{ name: 'http', port: backendPort, protocol: 'TCP' }],
  )

const ingresses = createFedInformer(Array.from({ length: routes }, (_, route) => ingressOf(route, hostOf(route))))
const slices = createFedInformer([sliceOf(addresses)], { service: serviceOfSlice })
const proxy = createIngress({
  ...{ ingresses, slices, classes: createFedInformer([ingressClass('podway')]) },
  services: createFedInformer([service('web', { clusterIP: '10.96.0.9', ports: [{ name: 'http', port: 80 }] })]),
  secrets: holding(certificate && { 'tls.crt': certificate.certificate, 'tls.key': certificate.key }),
  configMaps: holding(undefined),
  settings: { address: '127.0.0.1', httpPort: 0, ...(certificate ? { httpsPort: 0 } : {}) },
  log: silentLogger,
})

/** Says when it was done, on the clock that all processes of a machine share. */
process.on('message', (change: Change) => {
  const at = process.hrtime.bigint()
  if (change.kind === 'host') ingresses.put(ingressOf(change.route, change.host))
  else slices.put(sliceOf(change.addresses))
  process.send?.(String(at))
})
process.on('disconnect', () => process.exit())
void proxy.run(new AbortController().signal)
await proxy.ready
process.send?.(proxy.ports())

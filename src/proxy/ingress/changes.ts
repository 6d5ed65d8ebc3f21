/** Which of the API's objects have changed, as keys of a sync loop. */
import { isDeepStrictEqual } from 'node:util'
import { servicesOfChange } from '../../api/slices.ts'
import type { KubeObject } from '../../api/types/index.ts'
import type { NamedData } from './data/named-data.ts'
import type { GatewayInformers } from './gateway/serving.ts'
import { classView, ingressView } from './routes/model.ts'
import type { RoutingSources } from './routes/routing.ts'

export interface Sources extends RoutingSources {
  /** What Ingresses and Gateways refer to. */
  readonly secrets: NamedData
  readonly configMaps: NamedData
  /** Missing: no Gateways are served. */
  readonly gateway?: GatewayInformers
}

/** All keys are `namespace/name`. */
export interface Changes {
  readonly ingresses: readonly string[]
  readonly services: readonly string[]
  readonly secrets: readonly string[]
  readonly configMaps: readonly string[]
  readonly classes: boolean
  readonly gateways: boolean
}

const marks = { ingresses: 'ingress ', services: 'service ', secrets: 'secret ', configMaps: 'configmap ' } as const
const classesMark = 'classes'
const gatewaysMark = 'gateways'

/** Of statuses, which the control plane writes, only the addresses of Gateways change something here. */
const isSameSpec = (a: KubeObject | undefined, b: KubeObject | undefined): boolean => {
  if (!a || !b) return a === b
  const specOf = (object: KubeObject) => ('spec' in object ? object.spec : undefined)
  const addressesOf = (object: KubeObject & { readonly status?: { readonly addresses?: unknown } }) =>
    object.status?.addresses
  return (
    isDeepStrictEqual(addressesOf(a), addressesOf(b)) &&
    isDeepStrictEqual(specOf(a), specOf(b)) &&
    isDeepStrictEqual(a.metadata.labels, b.metadata.labels)
  )
}

const differ = <T extends object, V>(view: (object: T) => V, now: T | undefined, before: T | undefined): boolean =>
  !isDeepStrictEqual(now && view(now), before && view(before))

const informersOf = (gateway: GatewayInformers | undefined) => (gateway ? Object.values(gateway) : [])

/** Marks what each change touches. A change of mere status touches nothing. */
export const watchSources = (sources: Sources, mark: (key: string) => void): void => {
  const { ingresses, classes, services, slices, secrets, configMaps, gateway } = sources
  ingresses.onChange((key, now, before) => {
    if (differ(ingressView, now, before)) mark(`${marks.ingresses}${key}`)
  })
  classes.onChange((_, now, before) => {
    if (differ(classView, now, before)) mark(classesMark)
  })
  services.onChange((key) => mark(`${marks.services}${key}`))
  slices.onChange((_, now, before) => {
    for (const service of servicesOfChange(now, before)) mark(`${marks.services}${service}`)
  })
  for (const informer of informersOf(gateway))
    informer.onChange((_: string, now: KubeObject | undefined, before: KubeObject | undefined) => {
      if (!isSameSpec(now, before)) mark(gatewaysMark)
    })
  secrets.onChange((key) => mark(`${marks.secrets}${key}`))
  configMaps.onChange((key) => mark(`${marks.configMaps}${key}`))
}

/** Resolves when all copies have been listed. What Gateways need may be refused: they are an addition. */
export const sourcesSynced = async ({ ingresses, classes, services, slices, gateway }: Sources): Promise<void> => {
  await Promise.all([
    ...[ingresses, classes, services, slices].map(({ synced }) => synced),
    ...informersOf(gateway).map(({ settled }) => settled),
  ])
}

export const changesOf = (dirty: ReadonlySet<string>): Changes => {
  const among = (start: string): string[] =>
    [...dirty].flatMap((key) => (key.startsWith(start) ? [key.slice(start.length)] : []))
  return {
    ingresses: among(marks.ingresses),
    services: among(marks.services),
    secrets: among(marks.secrets),
    configMaps: among(marks.configMaps),
    classes: dirty.has(classesMark),
    gateways: dirty.has(gatewaysMark),
  }
}

/** What is to be served: Ingresses and Gateways read into routes, certificates and doors. */
import { isDeepStrictEqual } from 'node:util'
import { readAnnotations } from './annotations/read.ts'
import { createCertificates } from './certificates.ts'
import type { Changes, Sources } from './changes.ts'
import {
  createGatewayReader,
  type GatewayAddresses,
  type GatewayDoor,
  type GatewayReader,
  type GatewayServing,
  type UsualPorts,
} from './gateway/serving.ts'
import type { RelayUpdate } from './relay/relay.ts'
import { createRouting, type RouteProblem, type RoutingUpdate } from './routes/routing.ts'
import type { Certificate } from './tls/server-tls.ts'

export interface Desired {
  /** Reads everything; resolves when all that it refers to has been seen. */
  readAll(): Promise<void>
  /** Reads what has changed. */
  read(changes: Changes): Promise<void>
  /** What the threads are to be told since the last time; `whole`: all of it. */
  update(whole: boolean): RelayUpdate
  /** The ports that Gateways want. */
  doors(): readonly GatewayDoor[]
  state(): RoutingUpdate
  problems(): readonly RouteProblem[]
}

const gatewaySource = 'gateways'

export const createDesired = (
  sources: Sources,
  usual: UsualPorts,
  addresses: GatewayAddresses,
  fallback: Certificate,
): Desired => {
  const { secrets, configMaps, services } = sources
  const lookup = { secret: secrets.get, configMap: configMaps.get }
  const routing = createRouting(sources, ({ key, annotations }) =>
    readAnnotations({ namespace: key.split('/')[0] ?? '', annotations }, lookup),
  )
  const certificates = createCertificates(secrets.get)
  const gateway = sources.gateway && createGatewayReader(sources.gateway, services, lookup, usual, addresses)
  let followed: ReadonlySet<string> = new Set()
  let doors: readonly GatewayDoor[] = []
  let routeProblems: readonly RouteProblem[] = []
  let certificateProblems: readonly RouteProblem[] = []
  let gatewayProblems: readonly RouteProblem[] = []
  let isTlsStale = true
  let areProblemsStale = true

  /** Ingresses are served whatever becomes of Gateways: those stay as they were. */
  const readAlone = (reader: GatewayReader): GatewayServing | undefined => {
    try {
      gatewayProblems = []
      return reader.read()
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      gatewayProblems = [{ ingress: '', message: `Gateways are served as before: internal error: ${why}` }]
      return undefined
    }
  }

  const readGateways = (): void => {
    if (!gateway) return
    const found = readAlone(gateway)
    if (!found) return
    routing.readOther(gatewaySource, found.sets, found.backends)
    if (!isDeepStrictEqual(found.doors, doors)) isTlsStale = true
    doors = found.doors
  }

  /** Everything that is referred to is followed; true when something was not before. */
  const follow = (): boolean => {
    const looked = routing.lookedAt()
    const ofGateways = gateway?.references() ?? { secrets: [], configMaps: [] }
    const wanted = new Set([...looked.secrets, ...ofGateways.secrets])
    const wantedMaps = new Set([...looked.configMaps, ...ofGateways.configMaps])
    secrets.retain(wanted)
    configMaps.retain(wantedMaps)
    const all = new Set([...wanted, ...wantedMaps])
    const isNew = [...all].some((key) => !followed.has(key))
    followed = all
    return isNew
  }
  const settled = async (): Promise<void> => {
    await Promise.all([secrets.settled(), configMaps.settled()])
  }

  const readers = ({ secrets: changed, configMaps: alsoChanged }: Changes): readonly string[] => [
    ...changed.flatMap((key) => routing.readersOf('secrets', key)),
    ...alsoChanged.flatMap((key) => routing.readersOf('configMaps', key)),
  ]
  /** A Service that comes or goes, or a Secret, may be what a route or a listener lacks. */
  const concernsGateways = (changes: Changes): boolean =>
    changes.gateways ||
    ((sources.gateway?.gateways.size ?? 0) > 0 &&
      changes.services.length + changes.secrets.length + changes.configMaps.length > 0)

  /** The certificates of all TLS doors. */
  const tlsOf = (view: NonNullable<RoutingUpdate['tls']>): NonNullable<RelayUpdate['tls']> => {
    const { configuration, problems: found } = certificates.configure(view, fallback)
    certificateProblems = found
    const shared = doors.find(({ entry }) => entry === 'https')
    const own = {
      ...configuration,
      hosts: [...configuration.hosts, ...(shared?.certificates ?? [])],
      listeners: shared?.listeners ?? [],
    }
    const others = doors.filter((door) => door.tls && door !== shared)
    return [
      { entry: 'https', configuration: own },
      ...others.map(({ entry, certificates: hosts, listeners }) => ({
        entry,
        configuration: { fallback, hosts, listeners, passthrough: [], clients: [] },
      })),
    ]
  }

  return {
    readAll: async () => {
      routing.readIngresses()
      readGateways()
      follow()
      // Not without what it refers to: a route that asks for a password must not be open, nor closed, for a moment.
      await settled()
      routing.readIngresses()
      readGateways()
      isTlsStale = true
      areProblemsStale = true
    },
    read: async (changes) => {
      const again = new Set([...changes.ingresses, ...readers(changes)])
      const readIngresses = (): void => routing.readIngresses(changes.classes ? undefined : again)
      readIngresses()
      routing.readServices(changes.services)
      if (concernsGateways(changes)) readGateways()
      if (changes.secrets.length > 0) isTlsStale = true
      if (!changes.classes && !changes.gateways && again.size === 0) return
      areProblemsStale = true
      if (!follow()) return
      await settled()
      readIngresses()
      if (changes.gateways) readGateways()
      isTlsStale = true
    },
    update: (whole) => {
      const changed = routing.flush()
      if (areProblemsStale) routeProblems = routing.problems()
      areProblemsStale = false
      const { tls: view, ...rest } = whole ? routing.state() : changed
      const isTlsNew = whole || isTlsStale || view !== undefined
      isTlsStale = false
      const now = isTlsNew ? (view ?? routing.state().tls) : undefined
      return now ? { ...rest, tls: tlsOf(now) } : rest
    },
    doors: () => doors,
    state: routing.state,
    problems: () => [...routeProblems, ...certificateProblems, ...gatewayProblems],
  }
}

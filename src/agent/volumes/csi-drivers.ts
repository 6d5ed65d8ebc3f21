/**
 * The CSI drivers of this node: programs with a socket in one folder, as kubelets have it. A socket there is that of a registrar,
 * which tells where its driver listens, or of a driver itself.
 */
import { readdir } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import { type CsiCall, CsiError } from './csi-call.ts'
import { listIn, textIn } from './fields.ts'

export interface CsiDriver {
  readonly name: string
  /** Asks its node service. */
  ask(method: string, request: object): Promise<JsonObject>
}

export interface CsiDrivers {
  /** Those that answer now. */
  list(): Promise<readonly CsiDriver[]>
  /** Throws an Error that names the driver and the folder when it is not there. */
  find(name: string): Promise<CsiDriver>
}

export interface CsiDriversOptions {
  readonly folder: string
  readonly call: CsiCall
  /** Told of sockets that are of no use. */
  readonly onProblem: (socket: string, error: unknown) => void
}

const isUnimplemented = (error: unknown): boolean => error instanceof CsiError && error.code === 'Unimplemented'

const objectOf = (value: unknown): JsonObject => (isJsonObject(value) ? value : {})

/** As the API takes it. */
const isName = (name: string): boolean => /^[A-Za-z0-9]([-A-Za-z0-9._]{0,61}[A-Za-z0-9])?$/.test(name)

export const createCsiDrivers = ({ folder, call, onProblem }: CsiDriversOptions): CsiDrivers => {
  const known = new Map<string, CsiDriver>()

  const driverAt = (name: string, socket: string): CsiDriver => {
    if (!isName(name)) throw new Error(`invalid name of a CSI driver: ${JSON.stringify(name)}`)
    return { name, ask: async (method, request) => objectOf(await call(socket, 'csi.v1.Node', method, request)) }
  }

  const registered = async (socket: string): Promise<CsiDriver | undefined> => {
    const info = objectOf(await call(socket, 'pluginregistration.Registration', 'GetInfo', {}))
    if (textIn(info, 'type') !== 'CSIPlugin') return undefined
    const endpoint = textIn(info, 'endpoint')
    if (!isAbsolute(endpoint)) throw new Error(`its endpoint ${JSON.stringify(endpoint)} is no path`)
    const driver = driverAt(textIn(info, 'name'), endpoint)
    await call(socket, 'pluginregistration.Registration', 'NotifyRegistrationStatus', { pluginRegistered: true })
    return driver
  }

  const look = async (socket: string): Promise<CsiDriver | undefined> => {
    try {
      return await registered(socket)
    } catch (error) {
      if (!isUnimplemented(error)) throw error
    }
    const info = objectOf(await call(socket, 'csi.v1.Identity', 'GetPluginInfo', {}))
    return driverAt(textIn(info, 'name'), socket)
  }

  const list = async (): Promise<readonly CsiDriver[]> => {
    const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    })
    const found = await Promise.all(
      names
        .filter((name) => name.endsWith('.sock'))
        .map((name) => join(folder, name))
        .map((socket) =>
          look(socket).catch((error: unknown) => {
            onProblem(socket, error)
            return undefined
          }),
        ),
    )
    known.clear()
    for (const driver of found) if (driver) known.set(driver.name, driver)
    return [...known.values()]
  }

  return {
    list,
    find: async (name) => {
      if (!known.has(name)) await list()
      const driver = known.get(name)
      if (!driver)
        throw new Error(`driver name ${name} not found in the list of registered CSI drivers (looked for in ${folder})`)
      return driver
    },
  }
}

/** Numbers of csi.v1: NodeServiceCapability.RPC.Type. */
export const capability = { stage: 1, mountGroup: 6 }

export const capabilitiesOf = async (driver: CsiDriver): Promise<ReadonlySet<unknown>> => {
  const answer = await driver.ask('NodeGetCapabilities', {})
  return new Set((listIn(answer, 'capabilities') ?? []).map(({ rpc }) => objectOf(rpc)['type']))
}

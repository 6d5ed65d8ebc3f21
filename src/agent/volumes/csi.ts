/** Volumes of CSI drivers that run on this node: staged once for all pods, and published to each. */
import { createHash } from 'node:crypto'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Client } from '../../api/client.ts'
import { isNotFound } from '../../api/errors.ts'
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import { csiDrivers, secrets } from '../../api/resources.ts'
import type { CSIDriver } from '../../api/types/kubernetes/storage-v1.ts'
import { type CsiDriver, type CsiDrivers, capabilitiesOf, capability } from './csi-drivers.ts'
import { textIn } from './fields.ts'
import { shareWithGroup } from './fs-group.ts'
import type { NodeMounts } from './node-mounts.ts'
import type { VolumePlugin, VolumeRequest } from './plugin.ts'

export const csiKind = 'csi'

/** csi.v1: VolumeCapability.AccessMode.Mode. */
const modes: Readonly<Record<string, number>> = {
  ...{ ReadWriteOnce: 1, ReadOnlyMany: 3, ReadWriteMany: 5, ReadWriteOncePod: 1 },
}

const digest = (...words: readonly string[]): string => createHash('sha256').update(words.join('\0')).digest('hex')

const stringsIn = (value: unknown): Readonly<Record<string, string>> =>
  isJsonObject(value)
    ? Object.fromEntries(
        Object.entries(value).flatMap(([key, each]) => (typeof each === 'string' ? [[key, each]] : [])),
      )
    : {}

/** What is known of a volume before its driver is asked for it. */
interface CsiVolume {
  readonly request: VolumeRequest
  readonly driver: CsiDriver
  readonly settings: CSIDriver['spec'] | undefined
  readonly capabilities: ReadonlySet<unknown>
  readonly handle: string
  readonly target: string
  /** Missing where the driver does not stage. */
  readonly staging: string | undefined
}

const checkSettings = (name: string, settings: CSIDriver['spec'] | undefined, isInline: boolean): void => {
  if (isInline && !settings?.volumeLifecycleModes?.includes('Ephemeral'))
    throw new Error(
      `volume mode "Ephemeral" not supported by driver ${name} (its CSIDriver lists no such volumeLifecycleMode)`,
    )
  if (!isInline && settings && settings.attachRequired !== false)
    throw new Error(
      `driver ${name} wants its volumes attached (attachRequired of its CSIDriver), which is not done here`,
    )
  if ((settings?.tokenRequests ?? []).length > 0)
    throw new Error(`driver ${name} wants tokens of pods (tokenRequests of its CSIDriver), which it does not get here`)
}

const isBlock = ({ claimed }: VolumeRequest): boolean => claimed?.spec.volumeMode === 'Block'

const groupOf = ({ pod }: VolumeRequest): number | undefined => pod.spec.securityContext?.fsGroup

const capabilityOf = ({ request, capabilities }: CsiVolume): JsonObject => {
  const { source, claimed } = request
  const [mode = 'ReadWriteOnce'] = claimed?.spec.accessModes ?? []
  const accessMode = { mode: modes[mode] ?? 1 }
  if (isBlock(request)) return { block: {}, accessMode }
  const group = groupOf(request)
  const mount = {
    ...{ fsType: textIn(source, 'fsType'), mountFlags: claimed?.spec.mountOptions ?? [] },
    volumeMountGroup: group !== undefined && capabilities.has(capability.mountGroup) ? String(group) : '',
  }
  return { mount, accessMode }
}

const contextOf = ({ request, settings }: CsiVolume): Readonly<Record<string, string>> => {
  const { pod, source, claimed } = request
  const { name, namespace = '', uid = '' } = pod.metadata
  return {
    ...stringsIn(source['volumeAttributes']),
    ...(settings?.podInfoOnMount
      ? {
          'csi.storage.k8s.io/pod.name': name,
          'csi.storage.k8s.io/pod.namespace': namespace,
          'csi.storage.k8s.io/pod.uid': uid,
          'csi.storage.k8s.io/serviceAccount.name': pod.spec.serviceAccountName ?? '',
          'csi.storage.k8s.io/ephemeral': String(!claimed),
        }
      : {}),
  }
}

/** By the driver's fsGroupPolicy. */
const sharesWithGroup = ({ request, settings, capabilities }: CsiVolume): boolean => {
  if (isBlock(request) || capabilities.has(capability.mountGroup)) return false
  const { fsGroupPolicy = 'ReadWriteOnceWithFSType' } = settings ?? {}
  if (fsGroupPolicy !== 'ReadWriteOnceWithFSType') return fsGroupPolicy === 'File'
  const isOnce = request.claimed?.spec.accessModes?.includes('ReadWriteOnce') ?? false
  return isOnce && textIn(request.source, 'fsType') !== ''
}

export interface CsiOptions {
  readonly client: Pick<Client, 'get'>
  readonly drivers: CsiDrivers
  readonly mounts: Pick<NodeMounts, 'isMounted'>
  /** Where volumes are staged. It outlives the agent. */
  readonly stagingDir: string
}

export const createCsi = ({ client, drivers, mounts, stagingDir }: CsiOptions): VolumePlugin => {
  /** Of each staged volume, what happens to it now. */
  const turns = new Map<string, Promise<unknown>>()

  /** One after the other: who is the last to leave unstages, and nobody may come meanwhile. */
  const inTurn = async <T>(key: string, act: () => Promise<T>): Promise<T> => {
    const before = turns.get(key) ?? Promise.resolve()
    const mine = before.then(act, act)
    turns.set(key, mine)
    try {
      return await mine
    } finally {
      if (turns.get(key) === mine) turns.delete(key)
    }
  }

  const settingsOf = (name: string): Promise<CSIDriver['spec'] | undefined> =>
    client.get(csiDrivers, name).then(
      ({ spec }) => spec,
      (error: unknown) => {
        if (isNotFound(error)) return undefined
        throw error
      },
    )

  /** An inline volume names a Secret of the pod's own namespace alone. */
  const secretOf = async ({ source, pod, claimed }: VolumeRequest, field: string) => {
    const reference = source[field]
    if (!isJsonObject(reference) || textIn(reference, 'name') === '') return {}
    const namespace = claimed ? textIn(reference, 'namespace') : (pod.metadata.namespace ?? '')
    const { data = {} } = await client.get(secrets, textIn(reference, 'name'), namespace)
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
    )
  }

  const open = async (request: VolumeRequest): Promise<CsiVolume> => {
    const { source, pod, claimed, name, onDisk } = request
    const driverName = textIn(source, 'driver')
    const settings = await settingsOf(driverName)
    checkSettings(driverName, settings, !claimed)
    const driver = await drivers.find(driverName)
    const capabilities = await capabilitiesOf(driver)
    const handle = claimed ? textIn(source, 'volumeHandle') : `csi-${digest(pod.metadata.uid ?? '', name)}`
    const isStaged = claimed !== undefined && capabilities.has(capability.stage)
    return {
      ...{ request, driver, settings, capabilities, handle, target: join(onDisk, 'mount') },
      staging: isStaged ? join(stagingDir, digest(driverName, handle)) : undefined,
    }
  }

  const userOf = ({ pod, name }: VolumeRequest): string => `${pod.metadata.uid ?? ''}~${name}`

  const stage = async (volume: CsiVolume, staging: string): Promise<void> => {
    const { request, driver, handle } = volume
    const users = join(staging, 'users')
    const place = join(staging, 'globalmount')
    for (const folder of [users, place]) await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeFile(join(users, userOf(request)), '')
    await driver.ask('NodeStageVolume', {
      ...{ volumeId: handle, stagingTargetPath: place, volumeCapability: capabilityOf(volume) },
      ...{ secrets: await secretOf(request, 'nodeStageSecretRef'), volumeContext: contextOf(volume) },
    })
  }

  const publish = async (volume: CsiVolume): Promise<void> => {
    const { request, driver, handle, target, staging } = volume
    await mkdir(request.onDisk, { recursive: true, mode: 0o700 })
    await driver.ask('NodePublishVolume', {
      ...{ volumeId: handle, targetPath: target, volumeCapability: capabilityOf(volume) },
      ...(staging === undefined ? {} : { stagingTargetPath: join(staging, 'globalmount') }),
      readonly: request.source['readOnly'] === true,
      secrets: await secretOf(request, 'nodePublishSecretRef'),
      volumeContext: contextOf(volume),
    })
  }

  const unstage = async (driver: CsiDriver, handle: string, staging: string, user: string): Promise<void> => {
    const users = join(staging, 'users')
    await rm(join(users, user), { force: true })
    const others = await readdir(users).catch(() => [])
    if (others.length > 0) return
    const stagingTargetPath = join(staging, 'globalmount')
    await driver.ask('NodeUnstageVolume', { volumeId: handle, stagingTargetPath })
    if (await mounts.isMounted(stagingTargetPath))
      throw new Error(`driver ${driver.name} has unstaged ${handle}, and ${stagingTargetPath} is still mounted`)
    await rm(staging, { recursive: true, force: true })
  }

  return {
    prepare: async (request) => {
      const volume = await open(request)
      const { driver, handle, target, staging } = volume
      const kind = isBlock(request) ? 'file' : 'folder'
      const readOnly = request.source['readOnly'] === true
      await request.note(csiKind, {
        ...{ driver: driver.name, handle, target, user: userOf(request) },
        ...(staging === undefined ? {} : { staging }),
      })
      // An agent that starts again finds what it has made.
      if (!(await mounts.isMounted(target)))
        await inTurn(`${driver.name} ${handle}`, async () => {
          if (staging !== undefined) await stage(volume, staging)
          await publish(volume)
        })
      if (sharesWithGroup(volume)) await shareWithGroup(target, request.pod, readOnly ? 'read' : 'write')
      return { path: target, kind, readOnly }
    },
    release: async (value) => {
      const handle = textIn(value, 'handle')
      const driver = await drivers.find(textIn(value, 'driver'))
      await inTurn(`${driver.name} ${handle}`, async () => {
        await driver.ask('NodeUnpublishVolume', { volumeId: handle, targetPath: textIn(value, 'target') })
        const staging = textIn(value, 'staging')
        if (staging !== '') await unstage(driver, handle, staging, textIn(value, 'user'))
      })
    },
  }
}

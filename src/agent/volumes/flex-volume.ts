/** Volumes that are made by programs of the node's owner. */
import { mkdir } from 'node:fs/promises'
import type { Client } from '../../api/client.ts'
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import { secrets } from '../../api/resources.ts'
import { textIn } from './fields.ts'
import type { FlexDrivers } from './flex-driver.ts'
import { shareWithGroup } from './fs-group.ts'
import type { NodeMounts } from './node-mounts.ts'
import type { VolumePlugin, VolumeRequest } from './plugin.ts'

export const flexKind = 'flexVolume'

export const createFlexVolume = (
  client: Pick<Client, 'get'>,
  drivers: FlexDrivers,
  mounts: Pick<NodeMounts, 'isMounted'>,
): VolumePlugin => {
  /** Only a claimed volume may name one of another namespace. */
  const secretOf = async ({ source, pod, claimed }: VolumeRequest): Promise<Readonly<Record<string, string>>> => {
    const reference = source['secretRef']
    if (!isJsonObject(reference) || textIn(reference, 'name') === '') return {}
    const namespace = (claimed && textIn(reference, 'namespace')) || (pod.metadata.namespace ?? '')
    const { data = {} } = await client.get(secrets, textIn(reference, 'name'), namespace)
    return Object.fromEntries(Object.entries(data).map(([key, value]) => [`kubernetes.io/secret/${key}`, value]))
  }

  const optionsOf = async (request: VolumeRequest): Promise<JsonObject> => {
    const { pod, source, claimed, name } = request
    const { metadata, spec } = pod
    const { fsGroup } = spec.securityContext ?? {}
    const own = isJsonObject(source['options']) ? source['options'] : {}
    return {
      ...Object.fromEntries(Object.entries(own).filter(([, value]) => typeof value === 'string')),
      'kubernetes.io/fsType': textIn(source, 'fsType'),
      'kubernetes.io/readwrite': source['readOnly'] === true ? 'ro' : 'rw',
      'kubernetes.io/pod.name': metadata.name,
      'kubernetes.io/pod.namespace': metadata.namespace ?? '',
      'kubernetes.io/pod.uid': metadata.uid ?? '',
      'kubernetes.io/serviceAccount.name': spec.serviceAccountName ?? '',
      'kubernetes.io/pvOrVolumeName': claimed?.metadata.name ?? name,
      ...(fsGroup === undefined ? {} : { 'kubernetes.io/mounterArgs.FsGroup': String(fsGroup) }),
      ...(await secretOf(request)),
    }
  }

  return {
    prepare: async (request) => {
      const { pod, source, onDisk, note } = request
      const driver = textIn(source, 'driver')
      const { capabilities } = await drivers.call(driver, ['init'])
      if (capabilities['attach'] !== false)
        throw new Error(
          `flexVolume driver ${JSON.stringify(driver)} wants to attach volumes, which is not done here: its init has to answer {"capabilities": {"attach": false}}`,
        )
      const options = JSON.stringify(await optionsOf(request))
      await note(flexKind, { driver, path: onDisk })
      await mkdir(onDisk, { recursive: true, mode: 0o755 })
      // An agent that starts again finds what it has made.
      if (!(await mounts.isMounted(onDisk))) await drivers.call(driver, ['mount', onDisk, options])
      const readOnly = source['readOnly'] === true
      if (capabilities['fsGroup'] !== false) await shareWithGroup(onDisk, pod, readOnly ? 'read' : 'write')
      return { path: onDisk, kind: 'folder', readOnly }
    },
    release: async (value) => {
      await drivers.call(textIn(value, 'driver'), ['unmount', textIn(value, 'path')])
    },
  }
}

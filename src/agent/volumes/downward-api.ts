/** Volumes that tell a pod of itself, and their part in projected ones. Pure. */
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import { listIn, modeIn, textIn } from './fields.ts'
import type { DownwardItem, DownwardSource } from './file-source.ts'

const resourceIn = (resource: JsonObject): NonNullable<DownwardItem['resource']> => ({
  ...{ containerName: textIn(resource, 'containerName'), resource: textIn(resource, 'resource') },
  divisor: textIn(resource, 'divisor') || '1',
})

export const downwardSource = (value: JsonObject): DownwardSource => ({
  kind: 'downward',
  items: (listIn(value, 'items') ?? []).map((item) => {
    const { fieldRef, resourceFieldRef } = item
    return {
      ...{ path: textIn(item, 'path'), ...modeIn(item, 'mode') },
      ...(isJsonObject(fieldRef) ? { fieldPath: textIn(fieldRef, 'fieldPath') } : {}),
      ...(isJsonObject(resourceFieldRef) ? { resource: resourceIn(resourceFieldRef) } : {}),
    }
  }),
})

/** Volumes of a ConfigMap, and its part in projected ones. Pure. */
import type { JsonObject } from '../../api/json.ts'
import { type DataSource, dataSource } from './file-source.ts'

export const configMapSource = (value: JsonObject): DataSource => dataSource('configmap', value, 'name')

/** Volumes of a Secret, and its part in projected ones. Pure. */
import type { JsonObject } from '../../api/json.ts'
import { type DataSource, dataSource } from './file-source.ts'

/** A volume names its Secret in another field than a projection does. */
export const secretSource = (value: JsonObject): DataSource => dataSource('secret', value, 'secretName')

export const secretProjection = (value: JsonObject): DataSource => dataSource('secret', value, 'name')

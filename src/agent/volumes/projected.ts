/** Volumes of several sources in one folder. Pure. */
import { isJsonObject, type JsonObject } from '../../api/json.ts'
import { configMapSource } from './config-map.ts'
import { downwardSource } from './downward-api.ts'
import { listIn } from './fields.ts'
import type { FileSource } from './file-source.ts'
import { secretProjection } from './secret.ts'
import { tokenSource } from './service-account-token.ts'

/** By the field of a projection. */
const projections: Readonly<Record<string, (value: JsonObject) => FileSource>> = {
  ...{ serviceAccountToken: tokenSource, configMap: configMapSource, secret: secretProjection },
  downwardAPI: downwardSource,
}

const sourceOf = (projection: JsonObject): FileSource => {
  const [field = '', ...more] = Object.keys(projection)
  const read = Object.hasOwn(projections, field) ? projections[field] : undefined
  const given = projection[field]
  if (read && more.length === 0 && isJsonObject(given)) return read(given)
  throw new Error(`this node knows no projections of the kind ${JSON.stringify([field, ...more].join('+'))}`)
}

/** Throws an Error that names a projection that is not known. */
export const projectedSources = (value: JsonObject): readonly FileSource[] =>
  (listIn(value, 'sources') ?? []).map(sourceOf)

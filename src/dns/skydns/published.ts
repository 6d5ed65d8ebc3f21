/** Records that users publish in ConfigMaps with the label `podway.dev/skydns`. Pure. */
import { objectKey } from '../../api/resources.ts'
import type { ConfigMap } from '../../api/types/index.ts'
import { nameOfPath, parseSkyRecord, type SkyEntry } from './record.ts'

export interface Published {
  readonly entries: readonly SkyEntry[]
  /** What was left out, and why. */
  readonly problems: readonly string[]
}

/**
 * Each key is a path with dots for slashes, which a ConfigMap's key may not hold: `local.skydns.east.prod.rails.1` is
 * `/skydns/local/skydns/east/prod/rails/1`. Its text is the record.
 */
export const publishedBy = (configMap: ConfigMap): Published => {
  const entries: SkyEntry[] = []
  const problems: string[] = []
  for (const [key, text] of Object.entries(configMap.data ?? {}))
    try {
      entries.push({ name: nameOfPath(`/skydns/${key.replaceAll('.', '/')}`), record: parseSkyRecord(text) })
    } catch (error) {
      problems.push(
        `ConfigMap ${objectKey(configMap)}, key ${key}: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  return { entries, problems }
}

/** The hash that tells pod templates apart. Pure. */
import { sortFields } from '../../api/json.ts'
import type { PodTemplateSpec } from '../../api/types/index.ts'

/** No vowels and nothing that looks like another: hashes must not spell words. */
const safeAlphabet = 'bcdfghjklmnpqrstvwxz2456789'

/** FNV-1a, 32 bits. */
const fnv1a = (text: string): number => {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}

/** The hash of a template; `collisions` is counted up when the name that it makes is taken by another template. */
export const templateHash = (template: PodTemplateSpec, collisions = 0): string =>
  [...String(fnv1a(`${JSON.stringify(sortFields(template))}${collisions || ''}`))]
    .map((digit) => safeAlphabet[Number(digit) % safeAlphabet.length])
    .join('')

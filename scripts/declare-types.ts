/**
 * Writes src/api/types/kubernetes/*.ts: TypeScript's view of the kinds of Kubernetes, from the schema. Which kinds, and what
 * the schema does not say of their fields, is in the tables of declare-types/.
 *
 *   node scripts/declare-types.ts
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { declarations } from './declare-types/declarations.ts'

const files = declarations()
const folder = join(import.meta.dirname, '../src/api/types/kubernetes')
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder)
for (const [file, text] of files) writeFileSync(join(folder, file), text)

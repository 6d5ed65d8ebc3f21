/** Forms that fields of many groups have in common. */
import { elsewhere, free, line, oneOf, qualifiedName } from './formats.ts'

export const message = free('read by people only, who get it quoted')
export const argument = free("handed to the container's own process as it is")
export const lookedUp = free('looked up among the kinds that are served, and nothing else')
export const foreign = free('of a feature that no part of Podway acts upon: kept and shown')
export const typeMeta = elsewhere('when the body is read')
/** The kind itself knows what the text has to be, as that hangs on other fields. */
export const byKind = elsewhere('by the kind')
export const status = oneOf('True', 'False', 'Unknown')
export const legacyCondition = { type: qualifiedName, status, reason: line, message }
export const object = { apiVersion: typeMeta, kind: typeMeta }

/** Paths of rules in the form that requests are compared with. */
import { routingPath } from '../http/path.ts'
import { isRefusal } from '../http/refusal.ts'

/** Rules are written in UTF-8, requests are read as latin1: both become the same bytes. */
export const asBytes = (path: string): string => Buffer.from(path, 'utf8').toString('latin1')

/** The routing form of a rule's path; a text when it can match nothing. */
export const rulePath = (path: string): { readonly path: string } | { readonly problem: string } => {
  if (!path.startsWith('/')) return { problem: 'does not begin with a slash: it matches no request' }
  try {
    return { path: routingPath(asBytes(path)) }
  } catch (error) {
    if (isRefusal(error)) return { problem: `matches no request: ${error.message}` }
    throw error
  }
}

/** Raw configuration of nginx: whoever may write it may do everything that the proxy may. */
import { type Rows, unserved } from './row.ts'

const raw = (instead: string) => unserved(`raw configuration is never taken; ${instead}`)

const firewall = unserved(
  'there is no web application firewall here; use allowlist-source-range, limit-rps or auth-url',
)

export const refusedRows = {
  'configuration-snippet': raw('use custom-headers, permanent-redirect, rewrite-target or allowlist-source-range'),
  'server-snippet': raw('use server-alias, permanent-redirect or denylist-source-range'),
  'stream-snippet': raw('use a Service of type NodePort or LoadBalancer for TCP'),
  'auth-snippet': raw('use auth-method, auth-response-headers and auth-request-redirect'),
  'modsecurity-snippet': firewall,
  'modsecurity-transaction-id': firewall,
  'enable-modsecurity': firewall,
  'enable-owasp-core-rules': firewall,
} satisfies Rows

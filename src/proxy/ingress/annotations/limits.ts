/** How much one address may ask. */
import { networks } from './addresses.ts'
import { defined, type Part, type Rows, type Values } from './row.ts'
import { whole } from './value.ts'

export const limitRows = {
  'limit-rps': { read: whole(0, 1_000_000_000) },
  'limit-rpm': { read: whole(0, 1_000_000_000) },
  'limit-connections': { read: whole(0, 1_000_000_000) },
  'limit-burst-multiplier': { read: whole(1, 1_000_000) },
  'limit-allowlist': { read: networks },
  'limit-whitelist': { read: networks },
} satisfies Rows

export const limits = (values: Values<typeof limitRows>): Part => {
  const rates = defined({
    perSecond: values['limit-rps'] || undefined,
    perMinute: values['limit-rpm'] || undefined,
    connections: values['limit-connections'] || undefined,
  })
  if (Object.keys(rates).length === 0) return {}
  const burst = values['limit-burst-multiplier'] ?? 5
  const exempt = values['limit-allowlist'] ?? values['limit-whitelist'] ?? []
  return { policy: { rateLimit: { ...rates, burst, exempt } } }
}

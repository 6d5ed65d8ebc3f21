/** Where else clients are sent, and HTTPS. */
import type { Redirect } from '../policy/policy.ts'
import { defined, type Part, type Reading, type Rows, type Values } from './row.ts'
import { clientUrl, localPath } from './text.ts'
import { flag, whole, wrong } from './value.ts'

const statuses: readonly number[] = [301, 302, 303, 307, 308]

const redirectStatus = (text: string): number =>
  statuses.find((status) => String(status) === text) ?? wrong(`expected ${statuses.join(', ')}`)

export const redirectRows = {
  'permanent-redirect': { read: clientUrl },
  'permanent-redirect-code': { read: redirectStatus },
  'temporal-redirect': { read: clientUrl },
  'temporal-redirect-code': { read: redirectStatus },
  'app-root': { read: localPath },
  'ssl-redirect': { read: flag },
  'force-ssl-redirect': { read: flag },
  'preserve-trailing-slash': { read: flag },
  hsts: { read: flag, isOwn: true },
  'hsts-max-age': { read: whole(0), isOwn: true },
  'hsts-include-subdomains': { read: flag, isOwn: true },
  'hsts-preload': { read: flag, isOwn: true },
} satisfies Rows

type RedirectValues = Values<typeof redirectRows>

/** Of both, nginx does the temporal one. */
const redirectOf = (values: RedirectValues): Redirect | undefined => {
  const { 'temporal-redirect': temporal, 'permanent-redirect': permanent } = values
  if (temporal) return { kind: 'url', status: values['temporal-redirect-code'] ?? 302, url: temporal }
  return permanent && { kind: 'url', status: values['permanent-redirect-code'] ?? 301, url: permanent }
}

const year = 31_536_000

const hstsOf = (values: RedirectValues) => {
  if (values.hsts === false) return 'off'
  const keys = ['hsts', 'hsts-max-age', 'hsts-include-subdomains', 'hsts-preload'] as const
  if (keys.every((key) => values[key] === undefined)) return undefined
  return {
    maxAge: values['hsts-max-age'] ?? year,
    includeSubDomains: values['hsts-include-subdomains'] ?? false,
    preload: values['hsts-preload'] ?? false,
  }
}

const sslRedirect = (values: RedirectValues, { defaults }: Reading) => {
  if (values['force-ssl-redirect']) return 'always'
  const wanted = values['ssl-redirect']
  return wanted === undefined ? defaults.sslRedirect : wanted ? 'with-certificate' : 'never'
}

export const redirects = (values: RedirectValues, reading: Reading): Part => ({
  policy: {
    sslRedirect: sslRedirect(values, reading),
    ...defined({
      redirect: redirectOf(values),
      appRoot: values['app-root'],
      preserveTrailingSlash: values['preserve-trailing-slash'],
      hsts: hstsOf(values),
    }),
  },
})

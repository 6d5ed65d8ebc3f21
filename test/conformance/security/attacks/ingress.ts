/** Ingresses that end or hold up Ingress for everybody else. */
import { until } from '../../../support/until.ts'
import type { Attack } from '../attacked-lab.ts'

const prefix = 'nginx.ingress.kubernetes.io'

const ingress = (name: string, path: string, annotations: Readonly<Record<string, string>>) => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'Ingress',
  metadata: {
    name,
    annotations: Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`${prefix}/${key}`, value])),
  },
  spec: {
    rules: [
      {
        host: `${name}.evil.lab`,
        http: {
          paths: [
            { path, pathType: 'ImplementationSpecific', backend: { service: { name: 'web', port: { number: 80 } } } },
          ],
        },
      },
    ],
  },
})

const regex = { 'use-regex': 'true' }

const broken: readonly (readonly [path: string, annotations: Readonly<Record<string, string>>])[] = [
  ['/(a', regex],
  ['/[z-a]', regex],
  ['/**', regex],
  ['/(b', { 'rewrite-target': '/$1' }],
  ['/(a+)+(x)?\\2$', regex],
  ['/(?=(a+)+$)a', regex],
  ['/(?<=a)b', regex],
  [`/${'(a?)'.repeat(40)}${'a'.repeat(40)}$`, regex],
  ['/((a{1,1000}){1,1000}){1,1000}', regex],
]

export const ingressAttacks: readonly Attack[] = [
  {
    name: 'patterns that throw, or never end',
    run: async (t, { apply, kubectl, onHost, fetchFrom }) => {
      const names = broken.map((_, at) => `pattern-${at}`)
      await apply(...broken.map(([path, annotations], at) => ingress(names[at] ?? '', path, annotations)))
      const ask = (host: string, path: string): Promise<string> =>
        onHost(
          'client',
          ...['curl', '-s', '-o', '/dev/null', '-m', '5', '-w', '%{http_code}'],
          ...['-H', `Host: ${host}`, `http://172.30.0.11${path}`],
        ).catch(String)
      for (const name of names) {
        await until(async () => /^(503|404|200)$/.test(await ask(`${name}.evil.lab`, '/x')), `an answer for ${name}`)
        t.match(await ask(`${name}.evil.lab`, `/${'a'.repeat(4_000)}b`), /^(503|404|200)$/, `${name} does not hang`)
        t.equal((await fetchFrom('client', 'http://172.30.0.11/', 1, '--header', 'Host: web.lab')).length, 1)
      }
      for (const name of names.slice(0, 4)) t.equal(await ask(`${name}.evil.lab`, '/b'), '503', `${name} is closed`)
      await kubectl('delete', 'ingress', ...names)
    },
  },
  {
    name: 'lines in annotations are no lines of a head',
    run: async (t, { apply, kubectl, onHost }) => {
      const evil = 'x\r\nSet-Cookie: evil=1\r\n'
      const { metadata, spec } = ingress('lines', '/', {
        'upstream-vhost': evil,
        'cors-allow-origin': evil,
        'cors-allow-headers': evil,
        'custom-headers': evil,
        'permanent-redirect': `http://x/${evil}`,
        'session-cookie-name': evil,
        'session-cookie-path': evil,
        'x-forwarded-prefix': evil,
        'enable-cors': 'true',
        affinity: 'cookie',
      })
      await apply({ apiVersion: 'networking.k8s.io/v1', kind: 'Ingress', metadata, spec })
      const head = await until(async () => {
        const said = await onHost(
          'client',
          ...['curl', '-s', '-D', '-', '-o', '/dev/null', '-m', '5'],
          ...['-H', 'Host: lines.evil.lab', 'http://172.30.0.11/'],
        ).catch(() => '')
        return /^HTTP\/1\.1 (?!404)/.test(said) ? said : undefined
      }, 'an answer')
      t.notMatch(head, /evil=1/i)
      await kubectl('delete', 'ingress', 'lines')
    },
  },
]

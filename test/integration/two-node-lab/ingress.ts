/** Ingress as people meet it: lint, kubectl, HTTPS, Events, the Gateway API, the status page. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { certificateFor } from '../../support/tls-fixture.ts'
import { until } from '../../support/until.ts'
import { root } from '../support/lab.ts'
import { apply, home, kubectl, run } from './lab.ts'

const node = '172.30.0.11'

/** What a client outside of the cluster gets; `%{http_code}` and headers on standard output. */
const curl = (...args: readonly string[]): Promise<string> =>
  run('lab', 'exec', 'client', '--', 'curl', '-s', '-k', '-m', '5', ...args).catch((error: unknown) => String(error))

const resolve = (host: string, port: number): readonly string[] => ['--resolve', `${host}:${port}:${node}`]

export const ingress = async (t: Test): Promise<void> => {
  const example = join(root, 'examples/ingress.yaml')
  await kubectl('apply', '-f', example)

  await t.test('HTTPS with the default certificate, then with its own', async (t) => {
    const show = ['-D', '-', '-o', '/dev/null', ...resolve('shop.lab', 443), 'https://shop.lab/api/x']
    await until(async () => /^HTTP\/2 200/.test(await curl(...show)), 'the route')
    t.match(
      await curl('-D', '-', '-o', '/dev/null', ...resolve('shop.lab', 80), 'http://shop.lab/api/x?y'),
      /308[\s\S]*location: https:\/\/shop\.lab\/api\/x\?y/i,
    )
    const answer = await curl(...show)
    t.match(answer, /set-cookie: INGRESSCOOKIE=[0-9a-f]+; Path=\/.*Secure/i)
    t.match(answer, /strict-transport-security: max-age=31536000/)
    t.match(await curl(...resolve('shop.lab', 443), 'https://shop.lab/api/deep/x?q'), '"path":"/deep/x?q"')
    const { certificate, key } = await certificateFor('shop.lab')
    const [cert, keyFile] = [join(home, 'shop-cert.pem'), join(home, 'shop-key.pem')]
    await writeFile(cert, certificate)
    await writeFile(keyFile, key)
    await kubectl('create', 'secret', 'tls', 'shop-tls', '--cert', cert, '--key', keyFile)
    const subject = () =>
      curl('-v', '-o', '/dev/null', '--stderr', '-', ...resolve('shop.lab', 443), 'https://shop.lab/api/')
    await until(async () => /subject: CN=shop\.lab/.test(await subject()), 'its certificate')
  })

  await t.test('Events say what is wrong, and lint says it before', async (t) => {
    const wrong = {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'wrong', annotations: { 'nginx.ingress.kubernetes.io/proxy-body-size': 'lots' } },
      spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } },
    }
    const file = join(home, 'wrong.json')
    await writeFile(file, JSON.stringify(wrong))
    await t.rejects(run('ingress', 'lint', file), /exit code 1/)
    t.match(await run('ingress', 'lint', example), /clean|warning/)
    await apply(wrong)
    await until(
      async () => /InvalidAnnotation.*proxy-body-size "lots"/.test(await kubectl('describe', 'ingress', 'wrong')),
      'the Event',
    )
  })

  await t.test('a Gateway and its route', async (t) => {
    const status = (port: number, path = '/') =>
      curl('-D', '-', '-o', '/dev/null', ...resolve('books.lab', port), `http://books.lab:${port}${path}`)
    await until(async () => /200[\s\S]*x-from: gateway/i.test(await status(80)), 'the door of Ingress')
    await until(async () => /200[\s\S]*x-from: gateway/i.test(await status(8088)), 'its own door')
    t.match(await status(8088, '/old/x'), /301[\s\S]*location: http:\/\/books\.lab:8088\/new\/x/i)
    t.match(await kubectl('get', 'gateway', 'edge'), /edge +podway +172\.30\.0\.11 +True/, 'the first address')
    const addresses = ['get', 'gateway', 'edge', '-o', 'jsonpath={.status.addresses[*].value}']
    t.match(await kubectl(...addresses), /^172\.30\.0\.11 172\.30\.0\.12\s*$/)
    t.match(await kubectl('get', 'httproute', 'books', '-o', 'yaml'), /reason: ResolvedRefs/)
    t.match(await kubectl('describe', 'httproute', 'books'), 'podway.dev/gateway')
  })

  await t.test('what the node shows', async (t) => {
    const show = (path: string) => run('lab', 'exec', 'node1', '--', 'curl', '-s', `http://127.0.0.1:10254${path}`)
    t.match(
      await show('/metrics'),
      /nginx_ingress_controller_requests\{namespace="default",ingress="shop",.*status="200"/,
    )
    t.match(await show('/'), /shop\.lab[\s\S]*Ingress default\/shop/)
    t.ok(JSON.parse(await show('/routes')).routes.length > 5)
    t.equal((await show('/healthz')).trim(), 'ok')
  })
  await kubectl('delete', '-f', example)
  await kubectl('delete', 'ingress/wrong', 'secret/shop-tls')
}

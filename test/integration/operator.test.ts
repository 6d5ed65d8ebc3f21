/**
 * `podway/controller` as others have it: the package as it is built, and the example operator in a folder beside it, checked by
 * tsc and run by Node against a control plane, as the account that its manifest gives it. Two run; one leads.
 */
import { cp, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readKubeconfig, renderKubeconfig } from '../../src/api/kubeconfig.ts'
import { createCommandRunner } from '../../src/host/command.ts'
import { startControl, testFolder } from '../support/running-control.ts'
import { startProgram } from '../support/running-program.ts'
import { until } from '../support/until.ts'

const root = join(import.meta.dirname, '../..')
const runner = createCommandRunner()
const tsc = join(root, 'node_modules/.bin/tsc')

t.setTimeout(120_000)

/** A folder of somebody who has installed the package, with the example in it. */
const installed = async (folder: string): Promise<string> => {
  const modules = join(folder, 'node_modules')
  const own = join(modules, 'podway')
  await mkdir(own, { recursive: true })
  await cp(join(root, 'package.json'), join(own, 'package.json'))
  // Of what is built, that which the package exports.
  const out = ['--emitDeclarationOnly', 'false', '--outDir', join(own, 'dist')]
  await runner.run(tsc, ['-p', join(root, 'tsconfig.types.json'), ...out])
  for (const name of ['pino', 'undici', '@types', 'undici-types'])
    await symlink(join(root, 'node_modules', name), join(modules, name))
  const example = join(folder, 'operator')
  await cp(join(root, 'examples/operator'), example, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
  await writeFile(
    join(example, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        ...{ target: 'es2024', module: 'nodenext', types: ['node'], strict: true, noEmit: true },
        ...{ allowImportingTsExtensions: true, erasableSyntaxOnly: true },
      },
    }),
  )
  return example
}

t.test('the example operator', async (t) => {
  const folder = await testFolder(t)
  const example = await installed(folder)
  await runner.run(tsc, ['-p', example])
  t.pass('its types are good without a look at the sources of the package')

  const { kubectl, kubeconfig: admin } = await startControl(t)
  await kubectl('apply', '-f', join(example, 'manifest.yaml'))
  await kubectl('wait', '--for=condition=Established', 'crd/websites.example.com', '--timeout=20s')
  const { server, ca } = await readKubeconfig(admin)
  const account = ['-n', 'website-operator', 'website-operator']
  const token = await until(
    async () => /^ey\S+$/.exec(await kubectl('create', 'token', ...account))?.[0],
    'a token of the account',
  )
  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, renderKubeconfig('operator', { server, token, ...(ca === undefined ? {} : { ca }) }))
  const env = { ...process.env, KUBECONFIG: kubeconfig }
  const run = () => startProgram(t, process.execPath, [join(example, 'main.ts')], env)

  const first = run()
  await until(() => first.said().includes('"leading"'), 'one that leads', 30_000)
  const second = run()
  await kubectl('apply', '-f', join(example, 'website.yaml'))
  const image = ['deployment/hello', '-o', 'jsonpath={.spec.template.spec.containers[0].image}']
  await until(async () => (await kubectl('get', ...image)) === 'podway/echo', 'its Deployment', 30_000)
  await until(async () => /^\s*hello\s/m.test(await kubectl('get', 'service', 'hello')), 'its Service', 30_000)
  t.notMatch(second.said(), /"leading"/, 'the other one waits')

  first.child.kill()
  await until(() => second.said().includes('"leading"'), 'the other one to lead', 30_000)
  await until(() => first.child.exitCode !== null, 'the end of the first', 30_000)
  t.equal(first.child.exitCode, 0, first.said())
  await kubectl('patch', 'website', 'hello', '--type=merge', '-p', '{"spec":{"image":"podway/echo:2"}}')
  await until(async () => (await kubectl('get', ...image)) === 'podway/echo:2', 'the new image', 30_000)
  t.match(await kubectl('get', 'websites'), /^hello\s+podway\/echo:2\s+2\s+0/m)
  for (const program of [first, second]) t.notMatch(program.said(), /forbidden|"level":50/, 'and nothing is refused')
})

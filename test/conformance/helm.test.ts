/**
 * A chart's whole life by each Helm that is found (see ../support/clients.ts), against a lab whose pods are processes.
 * The chart has what charts have: hooks of several weights, a CRD with an object of its kind, a lookup, a test.
 */
import { join } from 'node:path'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import { createLabHome } from '../integration/support/lab.ts'
import { helms, noHelm } from '../support/clients.ts'
import { until } from '../support/until.ts'

const chart = join(import.meta.dirname, 'helm/chart')
const programs = helms()

t.setTimeout(900_000)

interface Ended {
  readonly code: number | undefined
  readonly out: string
  readonly err: string
}

interface Release {
  readonly revision: number
  readonly status: string
}

/** `v3.16.4` of whatever Helm that is. */
const versionOf = async (program: string): Promise<string> => {
  const { stdout } = await execa(program, ['version', '--template', '{{.Version}}'])
  return stdout
}

t.test('Helm', { skip: programs.length === 0 && noHelm }, async (t) => {
  const { home, kubeconfig, run, kubectl } = await createLabHome()
  t.teardown(() => run('lab', 'down').catch(() => undefined))
  await run('lab', 'up', '--nodes', '1')
  const names = (...args: readonly string[]) => kubectl('get', ...args, '-o', 'name')

  /** Ends with its code; Helm's own files go with the lab's. */
  const execute = async (program: string, namespace: string, words: readonly string[]): Promise<Ended> => {
    const env = { KUBECONFIG: kubeconfig, HOME: home, HELM_NAMESPACE: namespace }
    const { exitCode, stdout, stderr } = await execa(program, [...words], { env, reject: false, timeout: 180_000 })
    return { code: exitCode, out: stdout, err: stderr }
  }

  const lifeOf = async (t: Test, program: string, version: string): Promise<void> => {
    const isApplying = Number(/^v(\d+)/.exec(version)?.[1]) >= 4
    const space = `helm-${version.replaceAll(/[^a-z0-9]+/g, '-')}`
    const helm = (...words: readonly string[]) => execute(program, space, words)
    const good = async (t: Test, ...words: readonly string[]): Promise<string> => {
      const { code, out, err } = await helm(...words)
      t.equal(code, 0, `helm ${words.join(' ')}: ${err}`)
      return out
    }
    const json = async <T>(t: Test, ...words: readonly string[]): Promise<T> =>
      JSON.parse(await good(t, ...words, '-o', 'json'))
    const field = (kind: string, name: string, path: string) =>
      kubectl('get', kind, name, '-n', space, '-o', `jsonpath={${path}}`)
    const readyPods = () => field('deployment', 'web', '.status.readyReplicas')
    const history = (t: Test) => json<readonly Release[]>(t, 'history', 'web')

    await t.test('a dry run asks the server, and changes nothing', async (t) => {
      // Where the chart's own CRD is not there yet, no server knows its kind: Helm leaves that to the installation.
      const dry = await good(t, 'install', 'web', chart, '--create-namespace', '--dry-run=server', '--set=widget=false')
      t.match(dry, /found: "true"/, 'a lookup is answered')
      t.match(dry, /apis: "true"/)
      t.equal(await names('deployments,configmaps,secrets,pods', '-n', space), '')
      t.same(await json(t, 'list'), [])
    })

    await t.test('install', async (t) => {
      const said = await good(t, 'install', 'web', chart, '--create-namespace', '--wait', '--timeout=90s')
      t.match(said, /STATUS: deployed/)
      t.match(said, /web says one with Kubernetes v1\./)
      t.equal(await readyPods(), '2', 'it was waited for')
      t.equal(await field('widget', 'web', '.spec.color'), 'red', 'the kind of the chart has its defaults')
      t.equal(await field('configmap', 'web-after', '.data.revision'), '1', 'a hook after the installation')
      t.equal(await names('pod', 'web-prepare', '-n', space, '--ignore-not-found'), '', 'a hook that is gone')
      t.equal((await helm('install', 'web', chart)).code, 1, 'a name is taken')
    })

    await t.test('what is told of a release', async (t) => {
      t.match(await json(t, 'list'), [{ name: 'web', namespace: space, revision: '1', status: 'deployed' }])
      t.match(await json(t, 'status', 'web'), { name: 'web', info: { status: 'deployed' }, version: 1 })
      // Helm 4 always tells of the objects.
      const status = await good(t, 'status', 'web', ...(isApplying ? [] : ['--show-resources']))
      t.match(status, /==> v1\/Deployment\n *NAME +READY +UP-TO-DATE/)
      t.match(status, /==> v1\/Pod\(related\)\n *NAME +READY +STATUS/)
      t.match(await json(t, 'get', 'values', 'web', '--all'), { message: 'one', replicas: 2 })
      t.match(await good(t, 'get', 'manifest', 'web'), /kind: Widget/)
      t.match(await good(t, 'get', 'hooks', 'web'), /name: web-prepare/)
      t.match(await good(t, 'get', 'notes', 'web'), /web says one/)
      t.match(await history(t), [{ revision: 1, status: 'deployed' }])
    })

    await t.test('upgrade', async (t) => {
      const password = await field('secret', 'web', '.data.password')
      const flags = ['--set=message=two', '--set=replicas=3', '--wait', '--timeout=90s']
      t.match(await good(t, 'upgrade', 'web', chart, '--dry-run=server', ...flags), /message: "two"/)
      t.equal(await field('configmap', 'web', '.data.message'), 'one', 'a dry run')
      await good(t, 'upgrade', 'web', chart, ...flags)
      t.equal(await field('configmap', 'web', '.data.message'), 'two')
      t.equal(await field('widget', 'web', '.spec.size'), '3')
      t.equal(await readyPods(), '3')
      t.equal(await field('deployment', 'web', '.status.updatedReplicas'), '3', 'rolled out')
      t.equal(await field('secret', 'web', '.data.password'), password, 'what the release chose before is looked up')
      t.equal(await field('configmap', 'web-after', '.data.revision'), '2')
    })

    await t.test('an upgrade that removes an object', async (t) => {
      await good(t, 'upgrade', 'web', chart, '--reuse-values', '--set=widget=false', '--wait', '--timeout=90s')
      t.equal(await names('widgets', '-n', space), '')
    })

    await t.test('an upgrade that fails, and the way back', async (t) => {
      const flags = ['--reuse-values', '--set=readiness=false', '--set=message=three', '--wait', '--timeout=4s']
      const failed = await helm('upgrade', 'web', chart, ...flags)
      t.equal(failed.code, 1)
      t.match(failed.err, /UPGRADE FAILED/)
      t.match((await history(t)).at(-1), { revision: 4, status: 'failed' })
      await good(t, 'rollback', 'web', '2', '--wait', '--timeout=90s')
      t.match((await history(t)).at(-1), { revision: 5, status: 'deployed', description: 'Rollback to 2' })
      t.equal(await field('configmap', 'web', '.data.message'), 'two')
      t.equal(await readyPods(), '3')
      t.equal(await field('widget', 'web', '.spec.size'), '3', 'an object is back')
    })

    await t.test('what fails is undone at once where that is wanted', async (t) => {
      const undo = isApplying ? '--rollback-on-failure' : '--atomic'
      const failed = await helm(
        'upgrade',
        'web',
        chart,
        '--reuse-values',
        '--set=readiness=false',
        undo,
        '--timeout=4s',
      )
      t.equal(failed.code, 1)
      t.match((await history(t)).slice(-2), [{ status: 'failed' }, { status: 'deployed' }])
    })

    await t.test('fields that somebody else has changed', async (t) => {
      await kubectl('scale', 'deployment', 'web', '-n', space, '--replicas=1')
      await kubectl('patch', 'configmap', 'web', '-n', space, '-p', '{"data":{"message":"mine","more":"b"}}')
      const words = ['upgrade', 'web', chart, '--reuse-values', '--set=message=four', '--wait', '--timeout=90s']
      if (isApplying) {
        const conflict = await helm(...words)
        t.equal(conflict.code, 1)
        t.match(conflict.err, /conflict with "kubectl[^"]*"/)
        words.push('--force-conflicts')
      }
      await good(t, ...words)
      t.same(JSON.parse(await field('configmap', 'web', '.data')), {
        ...{ message: 'four', more: 'b', apis: 'true', found: 'true' },
      })
      t.equal(await readyPods(), '3')
    })

    await t.test('test', async (t) => {
      const said = await good(t, 'test', 'web', '--timeout=60s')
      t.match(said, /TEST SUITE: +web-answers/)
      t.match(said, /Phase: +Succeeded/)
      t.match(await good(t, 'test', 'web', '--timeout=60s', '--logs'), /"path":"\/hello"/)
    })

    await t.test('upgrade --install of another release', async (t) => {
      await good(t, 'upgrade', '--install', 'second', chart, '--set=replicas=1', '--wait', '--timeout=90s')
      t.equal(await field('widget', 'second', '.spec.size'), '1')
      t.same(
        (await json<readonly { readonly name: string }[]>(t, 'list')).map(({ name }) => name),
        ['second', 'web'],
      )
      await good(t, 'uninstall', 'second', '--wait', '--timeout=90s')
    })

    await t.test('a manifest that the server refuses', async (t) => {
      const refused = await helm('install', 'wrong', chart, '--set=replicas=-1')
      t.equal(refused.code, 1)
      t.match(refused.err, /is invalid: spec.(replicas|size): Invalid value: /)
      t.match(await json(t, 'list', '--failed'), [{ name: 'wrong', status: 'failed' }])
      await good(t, 'uninstall', 'wrong')
    })

    await t.test('uninstall', async (t) => {
      t.match(await good(t, 'uninstall', 'web', '--keep-history', '--wait', '--timeout=90s'), /uninstalled/)
      t.equal(await field('configmap', 'web-farewell', '.data.step'), 'leaving', 'a hook before')
      t.match(await json(t, 'list', '--uninstalled'), [{ name: 'web', status: 'uninstalled' }])
      await good(t, 'uninstall', 'web')
      const kinds = 'deployments,replicasets,services,ingresses,roles,rolebindings,pdb,widgets'
      t.equal(await names(kinds, '-n', space), '')
      await until(
        async () => (await names('pods', '-n', space, '-l', 'app.kubernetes.io/name=shop')) === '',
        'its pods',
      )
      t.equal(
        await names('crd', 'widgets.shop.example.com'),
        'customresourcedefinition.apiextensions.k8s.io/widgets.shop.example.com\n',
        'kinds stay',
      )
      await kubectl('delete', 'namespace', space)
    })
  }

  const versions = new Map<string, string>()
  for (const program of programs) versions.set(await versionOf(program), program)

  for (const [version, program] of versions)
    await t.test(`Helm ${version}`, async (t) => {
      await lifeOf(t, program, version)
      await kubectl('delete', 'crd', 'widgets.shop.example.com')
    })

  const all = [...versions].sort(([a], [b]) => (a < b ? -1 : 1))
  await t.test(
    'what one Helm installed, the next takes over',
    { skip: all.length < 2 && 'one Helm is here' },
    async (t) => {
      for (const [version, program] of [...all, ...all]) {
        const words = ['upgrade', '--install', 'web', chart, `--set=message=${version}`, '--wait', '--timeout=90s']
        const { code, err } = await execute(program, 'default', words)
        t.equal(code, 0, `${version}: ${err}`)
        t.equal(await kubectl('get', 'configmap', 'web', '-o', 'jsonpath={.data.message}'), version)
      }
      for (const [, program] of all.slice(0, 1))
        t.equal((await execute(program, 'default', ['uninstall', 'web', '--wait'])).code, 0)
    },
  )

  t.equal(await names('secrets', '-A', '-l', 'owner=helm'), '', 'nothing is kept of what is gone')
})

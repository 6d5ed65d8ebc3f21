/** Programs that stay, so that a pod need not wait for one to start. */
import t from 'tap'
import { createCommandRunner } from '../../src/host/command.ts'
import { createForker } from '../../src/host/forker.ts'
import { line } from '../../src/host/iproute.ts'
import { createIprouteSession } from '../../src/host/iproute-session.ts'
import { identify, isRunning } from '../../src/host/process.ts'
import { until } from '../support/until.ts'

const runner = createCommandRunner()

t.test('an ip that stays', async (t) => {
  const session = createIprouteSession(runner)
  t.teardown(session.close)
  await session.ip([line`link add k0 type veth peer name k1`, line`link set k0 alias one up`])
  t.match(await runner.run('ip', ['link', 'show', 'k0']), /alias one/)
  await t.rejects(
    session.ip([line`link set k0 alias two`, line`link add k0 type bridge`, line`link set k0 alias three`]),
    {
      name: 'CommandError',
      message: /ip link add k0 type bridge failed with exit code 1: .*File exists/,
    },
  )
  t.match(await runner.run('ip', ['link', 'show', 'k0']), /alias two/, 'it stops at the first that fails')

  await runner.run('ip', ['link', 'del', 'k0'])
  await session
    .ip([line`link add k0 type veth peer name k1`])
    .catch(() => session.ip([line`link add k0 type veth peer name k1`]))
  await Promise.all([session.ip([line`link set k0 alias three`]), session.ip([line`link set k1 alias four`])])
  t.match(await runner.run('ip', ['link', 'show', 'k1']), /alias four/, 'one after another')
  await runner.run('ip', ['link', 'del', 'k0'])
})

t.test('a shell that stays and starts programs', async (t) => {
  const forker = createForker(runner)
  t.teardown(forker.close)
  await forker.run('true', [])
  await forker.run('grep', ['-F', '-q', "it's $HOME `x` \\"], "it's $HOME `x` \\ and more\n")
  await t.rejects(forker.run('sh', ['-c', 'echo why >&2; exit 7']), {
    name: 'CommandError',
    exitCode: 7,
    message: /exit code 7: why/,
  })
  await t.rejects(forker.run('no-such-program', []), /exit code 127/)
  await t.rejects(forker.run('ip', ['-batch', '-'], 'link show dev nobody\n'), /does not exist/)
  await forker.run('true', [])
})

t.test('they end when they are closed', async (t) => {
  const forker = createForker(runner)
  await forker.run('sh', ['-c', 'echo $PPID > /run/forker-pid'])
  const id = await identify(Number(await runner.run('cat', ['/run/forker-pid'])))
  t.ok(id && (await isRunning(id)))
  forker.close()
  await until(async () => id && !(await isRunning(id)), 'the shell to end')
  await forker.run('true', [])
  forker.close()
})

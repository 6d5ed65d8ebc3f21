import t from 'tap'
import { CommandError, type CommandRunner } from '../../../../src/host/command.ts'
import { deleteEntries } from '../../../../src/host/conntrack/delete.ts'
import { opensNothing } from '../../../../src/host/fake-command.ts'

const entry = 'tcp 6 9 src=10.1.0.2 dst=10.1.0.3 sport=1 dport=80 src=10.1.0.3 dst=10.1.0.2 sport=80 dport=1'
const failure = (stderr: string): CommandError => new CommandError('conntrack -D', 1, stderr)
const vanished = failure("conntrack v1.4.7 (conntrack-tools): Operation failed: such conntrack doesn't exist")

/** Answers in their order; the last one again and again. */
const runnerOf = (...answers: readonly [string | CommandError, ...(string | CommandError)[]]) => {
  const calls: string[] = []
  const runner: CommandRunner = {
    open: opensNothing,
    run: async (file, args) => {
      const answer = answers[Math.min(calls.length, answers.length - 1)] ?? ''
      calls.push([file, ...args].join(' '))
      if (typeof answer === 'string') return answer
      throw answer
    },
  }
  return { runner, calls }
}

t.test('an entry that ends while the others are deleted keeps none of them', async (t) => {
  const { runner, calls } = runnerOf(vanished, vanished, `${entry}\n${entry}\n`)
  t.equal(await deleteEntries(runner, ['--orig-src', '10.1.0.2']), 2)
  t.same(calls, Array(3).fill('conntrack -D --orig-src 10.1.0.2'), 'the program stops at such an entry')
})

t.test('the last one that ends of itself is none', async (t) => {
  const { runner } = runnerOf(vanished, failure('conntrack v1.4.7: 0 flow entries have been deleted.'))
  t.equal(await deleteEntries(runner, []), 0)
})

t.test('entries that never stop ending are told, and so is every other failure', async (t) => {
  const { runner, calls } = runnerOf(vanished)
  await t.rejects(deleteEntries(runner, []), vanished)
  t.ok(calls.length > 1 && calls.length < 100, `${calls.length} calls`)
  const refused = runnerOf(failure('Operation not permitted'))
  await t.rejects(deleteEntries(refused.runner, []), /not permitted/)
  t.equal(refused.calls.length, 1)
})

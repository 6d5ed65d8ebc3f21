import t from 'tap'
import type { ConditionStatus, Node } from '../../../src/api/types/index.ts'
import { type ApiAnswer, labProblems } from '../../../src/lab/health.ts'
import type { Report } from '../../../src/lab/rpc.ts'
import type { HostState } from '../../../src/lab/state.ts'

const control: HostState = {
  ...{ name: 'control', role: 'control', address: '172.30.0.2', state: 'up', authority: 'a' },
  daemon: { name: 'control', state: 'running' },
}
const node1: HostState = {
  ...{ name: 'node1', role: 'node', address: '172.30.0.11', state: 'up', authority: 'a' },
  daemon: { name: 'agent', state: 'running' },
}
const client: HostState = { name: 'client', role: 'client', address: '172.30.0.100', state: 'up' }
const report = (...hosts: readonly HostState[]): Report => ({ phase: 'running', hosts: [...hosts, client] })
const node = (status: ConditionStatus, message = ''): Node => ({
  ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'node1' } },
  status: { conditions: [{ type: 'Ready', status, message }] },
})
const ready: ApiAnswer = { nodes: [node('True')] }
const silent: ApiAnswer = { silent: 'connect refused', isOtherAuthority: false }

const cases: readonly [string, Report | undefined, ApiAnswer, string | undefined, readonly RegExp[]][] = [
  ['whole', report(control, node1), ready, 'a', []],
  ['nobody answers', undefined, silent, undefined, [/does not answer: it is still starting/]],
  ['the API is silent', report(control, node1), silent, 'a', [/the API does not answer: connect refused/]],
  [
    'the API shows a certificate of somebody else',
    report(control, node1),
    { silent: 'self-signed', isOtherAuthority: true },
    'a',
    [/self-signed/, /another authority than the kubeconfig/],
  ],
  [
    'the kubeconfig is of another life',
    report(control, node1),
    ready,
    'b',
    [/another authority than the kubeconfig of this lab trusts/],
  ],
  [
    'a node trusts another authority',
    report(control, { ...node1, authority: 'b' }),
    { nodes: [node('Unknown', 'no heartbeat')] },
    'a',
    [/node1 trusts another authority.*remove .*node1\.kubeconfig/, /node node1 is not Ready: no heartbeat/],
  ],
  [
    'a host was killed',
    report(control, { ...node1, state: 'killed' }),
    ready,
    'a',
    [/node1 was killed; bring it back with: podway lab revive node1 --name lab/],
  ],
  [
    'a daemon was killed',
    report(control, { ...node1, daemon: { name: 'agent', state: 'killed' } }),
    ready,
    'a',
    [/the agent daemon of node1 was killed; .*revive node1/],
  ],
  [
    'a daemon keeps ending',
    report({ ...control, daemon: { name: 'control', state: 'restarting', lastEnd: 'exit code 1' } }, node1),
    silent,
    'a',
    [/the control daemon of control has ended \(exit code 1\)/, /the API does not answer/],
  ],
  ['a node has not joined', report(control, node1), { nodes: [] }, 'a', [/node1 has not joined/]],
]

for (const [name, of, api, trusted, expected] of cases)
  t.test(name, async (t) => {
    const found = labProblems('lab', of, api, trusted)
    t.equal(found.length, expected.length, found.join('\n'))
    for (const [at, pattern] of expected.entries()) t.match(found[at] ?? '', pattern)
  })

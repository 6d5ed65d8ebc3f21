import t from 'tap'
import { kubernetesMinor, kubernetesVersion } from '../../../src/api/kubernetes-version.ts'
import { serverVersion } from '../../../src/control/server/api-handler.ts'
import { parseBuild } from '../../../src/host/version.ts'

/** Of semver.org, with the v that Kubernetes writes before it. */
const semantic =
  /^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$/

t.test('what clients parse', async (t) => {
  for (const ours of ['0.1.0', '1.0.0-rc.1', '12.3.4']) {
    const [, major, minor] = semantic.exec(kubernetesVersion(ours)) ?? []
    t.same([major, minor], ['1', kubernetesMinor], ours)
  }
})

t.test('the server says the same', async (t) => {
  t.match(serverVersion('0.1.0'), { minor: kubernetesMinor, gitVersion: kubernetesVersion('0.1.0') })
})

t.test('what was built is told where the build has noted it', async (t) => {
  const commit = '0123456789abcdef0123456789abcdef01234567'
  t.same(parseBuild(`${commit} dirty\n`), { commit, treeState: 'dirty' })
  for (const text of ['', 'HEAD clean', `${commit} unknown`, `${commit}`])
    t.same(parseBuild(text), { commit: '', treeState: '' }, text)
  t.match(serverVersion('0.1.0', parseBuild(`${commit} clean`)), { gitCommit: commit, gitTreeState: 'clean' })
})

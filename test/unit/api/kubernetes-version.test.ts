import t from 'tap'
import { kubernetesMinor, kubernetesVersion } from '../../../src/api/kubernetes-version.ts'
import { serverVersion } from '../../../src/control/server/api-handler.ts'

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

/** Claims of the default class: written by one pod, read by another, gone with their claim. */
import type { Test } from 'tap'
import { until } from '../../support/until.ts'
import { apply, kubectl, kubectlJson, run } from './lab.ts'

const claim = {
  ...{ apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: { name: 'data' } },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } },
}

const pod = (name: string, script: string, spec = {}) => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name } },
  spec: {
    ...{ restartPolicy: 'Never', terminationGracePeriodSeconds: 0 },
    containers: [
      {
        ...{ name: 'main', image: 'podway/echo', command: ['sh', '-c', script] },
        volumeMounts: [{ name: 'data', mountPath: '/data' }],
      },
    ],
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
    ...spec,
  },
})

interface Named {
  readonly metadata: { readonly name: string }
  readonly spec: { readonly volumeName?: string; readonly nodeName?: string }
}

const ended = (name: string): Promise<string> =>
  kubectl('wait', `pod/${name}`, '--for=jsonpath={.status.phase}=Succeeded', '--timeout=60s')

const folder = '/var/lib/podway/persistent-volumes'

export const volumes = async (t: Test): Promise<void> => {
  t.match(
    await kubectl('get', 'storageclass'),
    /^standard \(default\) +podway\.dev\/host-path +Delete +WaitForFirstConsumer +true/m,
  )
  await apply(claim)
  await until(
    async () =>
      (await kubectl('describe', 'pvc', 'data')).includes('waiting for first consumer to be created before binding'),
    'the claim to wait',
  )
  const asUser = { securityContext: { runAsUser: 1234 } }
  await apply(
    pod('writer', 'echo kept > /data/file', { ...asUser, nodeSelector: { 'kubernetes.io/hostname': 'node2' } }),
  )
  await ended('writer')
  const { spec } = await kubectlJson<Named>('get', 'pvc', 'data')
  const name = spec.volumeName ?? ''
  t.match(
    await kubectl('describe', 'pvc', 'data'),
    new RegExp(`Status: +Bound[^]*Volume: +${name}[^]*ProvisioningSucceeded`),
  )
  t.match(
    await kubectl('describe', 'pv', name),
    new RegExp(
      `Claim: +default/data[^]*kubernetes.io/hostname in \\[node2\\][^]*LocalVolume[^]*Path: +${folder}/${name}`,
    ),
  )
  await kubectl('delete', 'pod', 'writer', '--wait')

  await apply(pod('reader', 'cat /data/file; mkdir -p /data/deep; ln -s /etc /data/deep/away'))
  await ended('reader')
  t.equal(await kubectl('logs', 'reader'), 'kept\n')
  t.equal((await kubectlJson<Named>('get', 'pod', 'reader')).spec.nodeName, 'node2')
  t.match(await run('lab', 'exec', 'node2', '--', 'ls', folder), name)
  await kubectl('delete', 'pod', 'reader', '--wait')
  await kubectl('delete', 'pvc', 'data', '--wait')
  await kubectl('wait', `pv/${name}`, '--for=delete', '--timeout=60s')
  t.notMatch(await run('lab', 'exec', 'node2', '--', 'ls', '-a', folder), name)
  t.ok(await run('lab', 'exec', 'node2', '--', 'ls', '/etc/passwd'))
}

/** Pods of images, with what they find and what they ask for. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digestOf } from '../../../../src/images/digest.ts'
import { makeBusyboxRoot } from '../../../support/busybox-root.ts'
import { noOciRuntime } from '../../../support/oci-runtime.ts'
import { tarArchive } from '../../../support/tar-archive.ts'
import { until } from '../../../support/until.ts'
import type { Attack, AttackedLab } from '../attacked-lab.ts'

const withFolder = async (work: (folder: string) => Promise<void>): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'podway-attack-'))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true })
  }
}

const bringImage = (lab: AttackedLab): Promise<void> =>
  withFolder(async (folder) => {
    makeBusyboxRoot(folder)
    // An ordinary user's lab reads it.
    await lab.run('image', 'build-rootfs', folder, 'busybox:1', '--cmd', 'sh', '--lab')
  })

const pod = (name: string, container: object, spec: object = {}) => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name } },
  spec: {
    ...{ restartPolicy: 'Never', nodeName: 'node1', terminationGracePeriodSeconds: 0 },
    containers: [{ name: 'main', image: 'busybox:1', ...container }],
    ...spec,
  },
})

/** What a pod of the image says while its only container runs this script. */
const saidBy = async (
  { apply, kubectl }: AttackedLab,
  name: string,
  script: string,
  container: object = {},
  spec: object = {},
): Promise<string> => {
  await apply(pod(name, { command: ['sh', '-c', `${script}\necho the end`], ...container }, spec))
  const said = async () => {
    const text = await kubectl('logs', name).catch(() => '')
    return text.includes('the end') ? text : undefined
  }
  const text = await until(said, `the end of ${name}`, 60_000)
  await kubectl('delete', 'pod', name, '--wait=false')
  return text
}

const intruder = `
ls / | grep -xE 'boot|lib64|srv|opt|mnt' | sed 's/^/root: /'
find / -xdev \\( -name '*.kubeconfig' -o -name 'ca.key' -o -name 'store.db' \\) 2>/dev/null | sed 's/^/finds /'
for root in /proc/[0-9]*/root; do ls $root/var/lib/podway >/dev/null 2>&1 && echo "by $root"; done
mknod /tmp/disk b 254 0 2>/dev/null && head -c 1 /tmp/disk >/dev/null 2>&1 && echo 'reads a disk'
mount -t tmpfs none /tmp 2>/dev/null && echo 'mounts'
(echo 1 > /proc/sys/net/ipv4/ip_forward) 2>/dev/null && echo 'writes /proc/sys'
(echo b > /proc/sysrq-trigger) 2>/dev/null && echo 'reboots'
cat /proc/kcore >/dev/null 2>&1 && [ -s /proc/kcore ] && echo 'reads memory'
ls /sys/fs/cgroup/*/release_agent >/dev/null 2>&1 && (echo /x > /sys/fs/cgroup/*/release_agent) 2>/dev/null && echo 'has an agent'
find / -xdev -type s 2>/dev/null | sed 's/^/socket: /'
`

const nothing = (said: string): readonly string[] =>
  said.split('\n').filter((line) => line !== '' && line !== 'the end')

/** Never started, and why its Events say so. */
const refused: Readonly<Record<string, { readonly object: object; readonly why: RegExp }>> = {
  descriptors: {
    object: pod('descriptors', { workingDir: '/proc/self/fd/7', command: ['sh'] }),
    why: /lies in \/proc/,
  },
  kernel: {
    object: pod(
      'kernel',
      { command: ['sh'] },
      { securityContext: { sysctls: [{ name: 'kernel.panic', value: '1' }] } },
    ),
    why: /sysctl/,
  },
  profile: {
    object: pod('profile', {
      command: ['sh'],
      securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'nosuch/profile.json' } },
    }),
    why: /seccomp/,
  },
  preload: {
    object: {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'preload' } },
      spec: {
        ...{ runtimeClassName: 'process', nodeName: 'node1', terminationGracePeriodSeconds: 0 },
        containers: [{ name: 'main', image: 'podway/echo', volumeMounts: [{ name: 'v', mountPath: '/etc' }] }],
        volumes: [{ name: 'v', emptyDir: {} }],
      },
    },
    why: /no volume can be at/,
  },
  nowhere: { object: pod('nowhere', { image: '127.0.0.1:5000/../../etc/passwd' }), why: /invalid/i },
}

/** Left out, with the reason, where no container of an image can run. */
const onImages = (name: string, run: Attack['run']): Attack => ({
  name,
  run: async (t, lab) => {
    const missing = await noOciRuntime()
    if (missing === undefined) await run(t, lab)
    else await t.skip(missing, () => undefined)
  },
})

export const imagePodAttacks: readonly Attack[] = [
  onImages('what a container finds', async (t, lab) => {
    await bringImage(lab)
    t.same(nothing(await saidBy(lab, 'intruder', intruder)), [])
    const rights = { securityContext: { capabilities: { add: ['SYS_PTRACE', 'MKNOD'] } } }
    t.same(
      nothing(await saidBy(lab, 'tracer', intruder, rights, { shareProcessNamespace: true })),
      [],
      'nor with the processes of its pod in sight',
    )
    const dropped = { securityContext: { capabilities: { add: ['ALL'], drop: ['ALL'] } } }
    t.match(await saidBy(lab, 'dropped', 'grep CapEff /proc/self/status', dropped), /CapEff:\s*0+$/m, 'all are dropped')
  }),
  onImages('what it asks for', async (t, lab) => {
    for (const [name, { object, why }] of Object.entries(refused)) {
      await lab.apply(object)
      const events = () =>
        lab.kubectl(
          'get',
          'events',
          '--field-selector',
          `involvedObject.name=${name}`,
          '-o',
          'jsonpath={.items[*].message}',
        )
      await until(async () => why.test(await events()), `why ${name} does not start`, 30_000)
      const phase = await lab.kubectl('get', 'pod', name, '-o', 'jsonpath={.status.phase}')
      t.match(phase, /^(Pending|Failed)$/, name)
      await lab.kubectl('delete', 'pod', name, '--wait=false')
    }
  }),
  onImages('last words that are a link', async (t, lab) => {
    const link = 'rm -f /dev/termination-log; ln -s /etc/passwd /dev/termination-log; exit 1'
    await lab.apply(pod('linker', { command: ['sh', '-c', link] }))
    const state = () =>
      lab.kubectl('get', 'pod', 'linker', '-o', 'jsonpath={.status.containerStatuses[0].state.terminated}')
    t.notMatch(await until(state, 'its end', 60_000), /root:/)
    await lab.kubectl('delete', 'pod', 'linker', '--wait=false')
  }),
  {
    name: 'an archive that leads out of its layer',
    run: async (t, lab) => {
      await withFolder(async (folder) => {
        const file = join(folder, 'evil.tar')
        const layer = tarArchive(
          { path: 'link', kind: 'symlink', link: folder },
          { path: '../../../../../../tmp/podway-evil', content: 'evil' },
        )
        const config = JSON.stringify({
          ...{ architecture: process.arch === 'x64' ? 'amd64' : process.arch, os: 'linux', config: {} },
          rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
        })
        const manifest = JSON.stringify([{ Config: 'config.json', RepoTags: ['evil:1'], Layers: ['layer.tar'] }])
        await writeFile(
          file,
          tarArchive(
            { path: 'config.json', content: config },
            { path: 'layer.tar', content: layer },
            { path: 'manifest.json', content: manifest },
          ),
        )
        await t.rejects(lab.run('image', 'import', file, '--lab'), /leads out of the layer/)
        t.notMatch(await lab.run('image', 'ls', '--lab'), /evil/)
      })
    },
  },
]

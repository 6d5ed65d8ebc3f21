/** Pods of images: archives and images that mean harm, and what containers find, plant and ask for. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digestOf } from '../../../../src/images/digest.ts'
import { hostData } from '../../../../src/lab/plan.ts'
import { makeBusyboxRoot } from '../../../support/busybox-root.ts'
import { noOciRuntime } from '../../../support/oci-runtime.ts'
import { type Made, tarArchive } from '../../../support/tar-archive.ts'
import { until } from '../../../support/until.ts'
import type { Attack, AttackedLab } from '../attacked-lab.ts'

const podsPath = '/api/v1/namespaces/default/pods'
const mark = 'image-attack'

/** A place of the node where nothing may appear. */
const outside = '/tmp/podway-evil'

// ---- Archives

const platform = { architecture: process.arch === 'x64' ? 'amd64' : process.arch, os: 'linux' }

/** As `docker save` writes it: an image with one layer of these entries. */
const archiveOf = (name: string, ...entries: readonly Made[]): Buffer => {
  const layer = tarArchive(...entries)
  const config = { ...platform, config: {}, rootfs: { type: 'layers', diff_ids: [digestOf(layer)] } }
  return tarArchive(
    { path: 'config.json', content: JSON.stringify(config) },
    { path: 'layer.tar', content: layer },
    {
      path: 'manifest.json',
      content: JSON.stringify([{ Config: 'config.json', RepoTags: [`${name}:1`], Layers: ['layer.tar'] }]),
    },
  )
}

/** Of another form than any archiver's: what its parts are called is up to whoever made it. */
const archiveWith = (config: string, layers: readonly string[], ...more: readonly Made[]): Buffer =>
  tarArchive(...more, {
    path: 'manifest.json',
    content: JSON.stringify([{ Config: config, RepoTags: ['evil-parts:1'], Layers: layers }]),
  })

/** Each is refused, or comes to nothing. */
const archives: Readonly<Record<string, Buffer>> = {
  dots: archiveOf('evil-dots', { path: `../../../../../../..${outside}`, content: 'evil' }),
  root: archiveOf('evil-root', { path: outside, content: 'evil' }),
  'through-a-link': archiveOf(
    'evil-link',
    { path: 'way', kind: 'symlink', link: '/tmp' },
    { path: 'way/podway-evil', content: 'evil' },
  ),
  'hard-link': archiveOf('evil-hard', { path: 'shadow', kind: 'hardlink', link: '../../../../../../../../etc/shadow' }),
  whiteout: archiveOf('evil-whiteout', { path: '../../../../../../../tmp/.wh.podway-kept', content: '' }),
  device: archiveOf('evil-device', { path: 'disk', kind: 'block device', device: [254, 0], mode: 0o666 }),
  'a-layer-of-the-node': archiveWith('/etc/hostname', ['../../../../../../etc/shadow']),
  'a-layer-that-is-a-link': archiveWith(
    'config.json',
    ['layer.tar'],
    { path: 'config.json', kind: 'symlink', link: '/etc/hostname' },
    { path: 'layer.tar', kind: 'symlink', link: '/etc/shadow' },
  ),
  'no-archive': Buffer.from('no archive at all'.repeat(100)),
}

/** Those that must be refused: the others may be taken, without what they want. */
const refusedArchives = ['dots', 'hard-link', 'a-layer-of-the-node', 'a-layer-that-is-a-link', 'no-archive', 'whiteout']

// ---- Images

/** A folder of root filesystems and archives that everybody may read. */
const prepare = (folder: string): void => {
  for (const [name, archive] of Object.entries(archives)) writeFileSync(join(folder, `${name}.tar`), archive)
  for (const name of ['busybox', 'trap', 'linked']) {
    mkdirSync(join(folder, name))
    makeBusyboxRoot(join(folder, name))
  }
  // An ordinary user makes none.
  if (process.getuid?.() === 0) execFileSync('mknod', ['-m', '666', join(folder, 'busybox/kmsg'), 'c', '1', '11'])
  // Whoever looks up a user in these would wait for ever, or read the node's.
  const trap = join(folder, 'trap/etc')
  unlinkSync(join(trap, 'passwd'))
  unlinkSync(join(trap, 'group'))
  execFileSync('mkfifo', [join(trap, 'passwd')])
  symlinkSync('../../../../../../../etc/shadow', join(trap, 'group'))
  // Whoever makes files or mounts in these would do so on the node.
  rmSync(join(folder, 'linked/etc'), { recursive: true })
  for (const name of ['etc', 'data']) symlinkSync(`../../../../../../..${outside}`, join(folder, 'linked', name))
  execFileSync('chmod', ['-R', 'a+rX', folder])
}

const onNode = (lab: AttackedLab, script: string): Promise<string> => lab.onHost('node1', 'sh', '-c', script)

const withFolder = async (work: (folder: string) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'podway-attack-'))
  chmodSync(folder, 0o755)
  try {
    await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

// ---- Pods

interface PodLike {
  readonly metadata: { readonly name: string }
  readonly status?: {
    readonly phase?: string
    readonly containerStatuses?: readonly {
      readonly name: string
      readonly state?: {
        readonly terminated?: { readonly message?: string }
        readonly waiting?: { readonly message?: string }
      }
    }[]
  }
}

const pod = (name: string, container: object, spec: object = {}) => ({
  ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels: { app: mark } } },
  spec: {
    ...{ restartPolicy: 'Never', nodeName: 'node1', terminationGracePeriodSeconds: 0 },
    ...{ automountServiceAccountToken: false, enableServiceLinks: false },
    containers: [{ name: 'main', image: 'busybox:1', imagePullPolicy: 'Never', ...container }],
    ...spec,
  },
})

const shell = (script: string, more: object = {}) => ({ command: ['sh', '-c', `${script}\necho the end`], ...more })

const present = async ({ ask, admin }: AttackedLab): Promise<readonly PodLike[]> =>
  JSON.parse((await ask(admin, { path: `${podsPath}?labelSelector=app%3D${mark}` })).text).items

const isOver = ({ status }: PodLike): boolean => ['Succeeded', 'Failed'].includes(status?.phase ?? '')

const eventsOf = async ({ ask, admin }: AttackedLab, name: string): Promise<string> =>
  (await ask(admin, { path: `/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3D${name}` })).text

/** An ordinary user's node refuses users that it cannot be. */
const isRefused = async (lab: AttackedLab, { metadata, status }: PodLike): Promise<boolean> =>
  status?.phase === 'Pending' && (await eventsOf(lab, metadata.name)).includes('"Unsupported"')

const logOf = async ({ ask, admin }: AttackedLab, name: string, container = 'main'): Promise<string> =>
  (await ask(admin, { path: `${podsPath}/${name}/log?container=${container}` })).text

const remove = async (lab: AttackedLab): Promise<void> => {
  const body = JSON.stringify({ gracePeriodSeconds: 0 })
  await lab.ask(lab.admin, { method: 'DELETE', path: `${podsPath}?labelSelector=app%3D${mark}`, body })
  await until(async () => (await present(lab)).length === 0, 'the end of the pods', 60_000)
}

/** What each of the pods says, when all have ended. */
const saidByAll = async (lab: AttackedLab, pods: readonly PodLike[]): Promise<ReadonlyMap<string, string>> => {
  const names = pods.map(({ metadata }) => metadata.name)
  await lab.apply(...pods)
  await until(
    async () => {
      const found = (await present(lab)).filter(({ metadata }) => names.includes(metadata.name))
      const going = found.filter((each) => !isOver(each))
      const refusals = await Promise.all(going.map((each) => isRefused(lab, each)))
      return found.length === pods.length && refusals.every((each) => each)
    },
    `the end of ${names}`,
    90_000,
  )
  return new Map(await Promise.all(pods.map(async ({ metadata: { name } }) => [name, await logOf(lab, name)] as const)))
}

/** Each line that it says is something that it should not find, or be able to do. */
const intruder = `
ls / | grep -xE 'boot|lib64|srv|opt|mnt' | sed 's/^/root: /'
find / -xdev \\( -name '*.kubeconfig' -o -name 'ca.key' -o -name 'store.db' -o -name 'leases.json' \\) 2>/dev/null | sed 's/^/finds /'
find / -xdev -type s 2>/dev/null | sed 's/^/socket: /'
for process in /proc/[0-9]*; do
  for place in root cwd; do ls $process/$place/var/lib/podway >/dev/null 2>&1 && echo "by $process/$place"; done
  grep -q PODWAY_HOME $process/environ 2>/dev/null && echo "reads $process/environ"
  for descriptor in $process/fd/*; do ls $descriptor/var/lib/podway >/dev/null 2>&1 && echo "by $descriptor"; done
done
for device in 'b 254 0' 'b 8 0' 'b 7 0' 'c 1 1' 'c 10 237'; do
  rm -f /tmp/device
  mknod /tmp/device $device 2>/dev/null && head -c 1 /tmp/device >/dev/null 2>&1 && echo "opens $device"
done
for options in '-t tmpfs none' '-t proc proc' '-t sysfs sys' '-t cgroup2 none' '--bind /proc' '-o remount,rw,bind /sys'; do
  mount $options /tmp 2>/dev/null && echo "mounts $options"
done
for path in /proc/sys /proc/kcore /proc/keys /sys; do umount $path 2>/dev/null && echo "unmounts $path"; done
for path in /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/core_pattern /proc/sysrq-trigger /proc/bus/pci /sys/kernel/uevent_helper; do
  (echo 0 > $path) 2>/dev/null && echo "writes $path"
done
for path in /sys/fs/cgroup/release_agent /sys/fs/cgroup/*/release_agent /sys/fs/cgroup/*/devices.allow /sys/fs/cgroup/cgroup.procs; do
  [ -e $path ] && (echo a > $path) 2>/dev/null && echo "writes $path"
done
[ -c /kmsg ] && (echo evil > /kmsg) 2>/dev/null && echo 'writes by a device of its image'
for path in /proc/kcore /proc/keys /proc/timer_list /proc/sched_debug; do [ -n "$(head -c 1 $path 2>/dev/null)" ] && echo "reads $path"; done
nsenter -t 1 -n ip link show 2>/dev/null | grep -q pw && echo 'enters the network of the node'
unshare -m true 2>/dev/null && echo 'makes a mount namespace'
chroot /proc/1/root ls /var/lib/podway >/dev/null 2>&1 && echo 'has the root of another'
`

/** With few rights, with some, with what others share; never those that are meant to be the node's (\`privileged\`). */
const intruders: readonly PodLike[] = [
  pod('plain', shell(intruder)),
  pod('maker', shell(intruder, { securityContext: { capabilities: { add: ['MKNOD', 'SYS_CHROOT'] } } })),
  pod('shared', shell(intruder), { shareProcessNamespace: true }),
  pod('node-network', shell(intruder), { hostNetwork: true }),
  pod('node-processes', shell(intruder), { hostPID: true }),
  pod('nobody', shell(intruder, { securityContext: { runAsUser: 1000, allowPrivilegeEscalation: false } })),
]

/** Its runtime program waits for ever: it is given up after half a minute, for which nobody else waits. */
const trapped = { ...pod('trapped', { image: 'trap:1', command: ['true'] }), metadata: { name: 'trapped' } }

const dropped = pod(
  'dropped',
  shell('grep CapEff /proc/self/status', { securityContext: { capabilities: { add: ['ALL'], drop: ['ALL'] } } }),
)

const findings = (said: string): readonly string[] =>
  // Of one that was refused there is nothing but that.
  said.includes('is waiting to start') ? [] : said.split('\n').filter((line) => line !== '' && line !== 'the end')

/** Never started, and why its Events, or the API, say so. */
const refused: Readonly<Record<string, { readonly object: PodLike; readonly why: RegExp }>> = {
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
    why: /forbidden sysctl/,
  },
  profile: {
    object: pod('profile', {
      command: ['sh'],
      securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'nosuch/profile.json' } },
    }),
    why: /seccomp/,
  },
  preload: {
    object: pod(
      'preload',
      { image: 'podway/echo', volumeMounts: [{ name: 'v', mountPath: '/etc' }] },
      { runtimeClassName: 'process', volumes: [{ name: 'v', emptyDir: {} }] },
    ),
    why: /no volume can be at/,
  },
  nowhere: { object: pod('nowhere', { image: '127.0.0.1:5000/../../etc/passwd' }), why: /invalid/i },
}

// ---- Volumes

const volume = { volumes: [{ name: 'v', emptyDir: {} }] }
const inVolume = (subPath?: string) => ({
  volumeMounts: [{ name: 'v', mountPath: '/mnt', ...(subPath === undefined ? {} : { subPath }) }],
})

const lookOut = 'if [ -e /mnt/var/lib/podway ] || [ -e /mnt/etc/shadow ]; then echo escapes; fi'

/** A link that is there before the part of the volume is looked up. */
const planted = pod('planted', shell(lookOut, inVolume('way')), {
  ...volume,
  initContainers: [
    {
      ...{ name: 'plant', image: 'busybox:1', imagePullPolicy: 'Never' },
      ...shell('rm -rf /mnt/way; ln -s / /mnt/way', inVolume()),
    },
  ],
})

const racers = ['a', 'b', 'c', 'd', 'e', 'f']

/** A link that comes and goes while parts of the volume are looked up and mounted. */
const race = pod(
  'race',
  {},
  {
    ...volume,
    containers: [
      {
        ...{ name: 'main', image: 'busybox:1', imagePullPolicy: 'Never' },
        ...shell(
          'i=0; while [ $i -lt 1000 ]; do i=$((i+1)); rm -rf /mnt/way; mkdir /mnt/way; rm -rf /mnt/way; ln -s / /mnt/way; done; rm -f /mnt/way; mkdir /mnt/way',
          inVolume(),
        ),
      },
      ...racers.map((name) => ({
        ...{ name, image: 'busybox:1', imagePullPolicy: 'Never' },
        ...shell(lookOut, inVolume('way')),
      })),
    ],
  },
)

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
  onImages('archives that lead out of their layers', async (t, lab) => {
    await withFolder(async (folder) => {
      prepare(folder)
      const said = await onNode(
        lab,
        `touch /tmp/podway-kept
        for name in ${Object.keys(archives).join(' ')}; do
          (if podway image import ${folder}/$name.tar --data ${hostData} >/tmp/said-$name 2>&1; then echo "takes $name"
          else echo "refuses $name: $(tail -n 1 /tmp/said-$name)"; fi) &
        done
        for name in busybox trap linked; do podway image build-rootfs ${folder}/$name $name:1 --data ${hostData} >/dev/null 2>&1 & done
        wait
        ls -d ${outside} 2>/dev/null; ls /tmp/podway-kept; rm /tmp/podway-kept /tmp/said-*
        podway image ls --data ${hostData} | sed 's/^/has /'`,
      )
      for (const name of refusedArchives) t.match(said, new RegExp(`^refuses ${name}: podway: `, 'm'), name)
      t.notMatch(said, new RegExp(`^${outside}`, 'm'), 'nothing appears on the node')
      t.match(said, /^\/tmp\/podway-kept$/m, 'and nothing is taken away there')
      t.notMatch(said, /root:\S*:\d+:/, 'no file of the node is told')
      t.match(said, /^has .*busybox:1/m, 'images that mean no harm are taken')
    })
  }),
  onImages('what containers find and can do', async (t, lab) => {
    await lab.apply(trapped)
    const said = await saidByAll(lab, [...intruders, dropped])
    for (const { metadata } of intruders) t.same(findings(said.get(metadata.name) ?? 'nothing'), [], metadata.name)
    t.match(said.get('dropped'), /CapEff:\s*0+$/m, 'all are dropped')
  }),
  onImages('images whose files lead to the node, or to nowhere', async (t, lab) => {
    const linked = {
      ...{ image: 'linked:1', workingDir: '/data/made' },
      volumeMounts: [{ name: 'v', mountPath: '/data/volume' }],
    }
    await lab.apply(
      pod(
        'linked',
        { ...shell('ls -d /data/volume'), ...linked },
        { ...volume, hostAliases: [{ ip: '192.0.2.1', hostnames: ['evil'] }] },
      ),
      pod('after', shell('true')),
      pod('linker', {
        command: ['sh', '-c', 'rm -f /dev/termination-log; ln -s /etc/shadow /dev/termination-log; exit 1'],
      }),
      planted,
      race,
    )
    const byName = async (name: string) => (await present(lab)).find(({ metadata }) => metadata.name === name)
    await until(async () => isOver((await byName('after')) ?? { metadata: { name: '' } }), 'others to go on', 60_000)
    const linker = await until(
      async () => {
        const found = await byName('linker')
        return found && isOver(found) ? found : undefined
      },
      'the end of the linker',
      60_000,
    )
    t.notMatch(linker.status?.containerStatuses?.[0]?.state?.terminated?.message ?? '', /root:/, 'last words')
    await until(async () => (await logOf(lab, 'race')).includes('the end'), 'the end of the race', 60_000)
    for (const name of racers) t.notMatch(await logOf(lab, 'race', name), /^escapes/m, `racer ${name}`)
    t.notMatch(await logOf(lab, 'planted'), /^escapes/m, 'a link that was planted')
    t.equal(await onNode(lab, `ls -d ${outside} 2>/dev/null; true`), '', 'nothing appears on the node')
  }),
  onImages('what pods ask for', async (t, lab) => {
    await lab.apply(...Object.values(refused).map(({ object }) => object))
    for (const [name, { why }] of Object.entries(refused)) {
      await until(async () => why.test(await eventsOf(lab, name)), `why ${name} does not start`, 60_000)
      const found = (await present(lab)).find(({ metadata }) => metadata.name === name)
      t.match(found?.status?.phase, /^(Pending|Failed)$/, name)
    }
    await remove(lab)
    const uid = await lab.kubectl('get', 'pod', 'trapped', '-o', 'jsonpath={.metadata.uid}')
    await lab.kubectl('delete', 'pod', 'trapped', '--wait=false')
    const left = 'ls /run/podway/oci/bundles'
    await until(
      async () =>
        (await onNode(lab, left))
          .trim()
          .split('\n')
          .every((line) => !/_main_/.test(line) || line.includes(uid)),
      'nothing to be left of the others',
      60_000,
    )
  }),
]

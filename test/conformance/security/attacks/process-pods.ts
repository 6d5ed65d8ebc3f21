/** A pod's process, with what it finds on its node. */
import { until } from '../../../support/until.ts'
import type { Attack, AttackedLab } from '../attacked-lab.ts'

/** What a pod with this script as its program writes. */
const saidBy = async ({ apply, kubectl }: AttackedLab, name: string, script: string): Promise<string> => {
  await apply({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      ...{ restartPolicy: 'Never', nodeName: 'node1', terminationGracePeriodSeconds: 0 },
      containers: [{ name: 'main', image: 'podway/echo', command: ['sh', '-c', `${script}\necho the end`] }],
    },
  })
  const said = await until(
    async () => {
      const text = await kubectl('logs', name).catch(() => '')
      return text.includes('the end') ? text : undefined
    },
    `the end of ${name}`,
    60_000,
  )
  await kubectl('delete', 'pod', name)
  return said
}

const script = (home: string): string => `
for file in $(find / -xdev \\( -name '*.kubeconfig' -o -name 'kubeconfig' -o -name 'ca.key' -o -name 'store.db' -o -name '*token*' -path '*podway*' \\) 2>/dev/null); do
  head -c 1 "$file" >/dev/null 2>&1 && [ -s "$file" ] && echo "reads $file"
done
ls ${home} 2>/dev/null | sed 's/^/lab home: /'
for root in /proc/[0-9]*/root; do [ "$root" = "/proc/$$/root" ] || find $root/ -maxdepth 6 -name '*.kubeconfig' 2>/dev/null | sed 's/^/by proc: /'; done
find / -xdev -type s 2>/dev/null | grep -E 'cni|command|podway' | sed 's/^/socket: /'
umount /run 2>/dev/null && echo 'unmounts /run'
mount -t tmpfs none /mnt 2>/dev/null && echo 'mounts'
nsenter --target 1 --mount --net -- ip link 2>/dev/null | grep -q pw && echo 'enters the node'
iptables-nft -t nat -S >/dev/null 2>&1 && echo 'reads rules'
ip link add evil0 type dummy 2>/dev/null || ip link set eth0 down 2>/dev/null && echo 'changes links'
(echo 1 > /proc/sys/net/ipv4/ip_forward) 2>/dev/null && echo 'writes /proc/sys'
mknod /tmp/evil-disk b 254 0 2>/dev/null && head -c 1 /tmp/evil-disk >/dev/null 2>&1 && echo 'reads a disk'
grep CapEff /proc/self/status
`

/** The usual set: chown, dac_override, fowner, fsetid, kill, setgid, setuid, setpcap, net_bind_service, net_raw, sys_chroot, mknod, audit_write, setfcap. */
const usualCapabilities = 0xa80425fbn

export const processPodAttacks: readonly Attack[] = [
  {
    name: 'keys, stores and sockets of the node and the lab',
    run: async (t, lab) => {
      const said = await saidBy(lab, 'thief', script(lab.home))
      const [, held = '0'] = /CapEff:\s*([0-9a-f]+)/.exec(said) ?? []
      t.same(
        said.split('\n').filter((line) => line !== '' && !/^(CapEff|the end)/.test(line)),
        [],
        'nothing is found',
      )
      t.equal(BigInt(`0x${held}`) & ~usualCapabilities, 0n, `capabilities ${held}`)
    },
  },
]

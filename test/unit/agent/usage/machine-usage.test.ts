/** The machine, its network and its pages of files. */
import t from 'tap'
import { machineUsage } from '../../../../src/agent/usage/machine-usage.ts'
import { parseNetDev } from '../../../../src/agent/usage/network-counters.ts'

t.test('idle time and free memory are not used', async (t) => {
  const usage = machineUsage({
    stat: 'cpu  100 20 30 9000 500 1 2 3 50 0\ncpu0 1 1 1 1 1 1 1 1 1 1\nintr 5\nbtime 1700000000\n',
    meminfo: [
      ...['MemTotal:       24000000 kB', 'MemFree:         4000000 kB', 'MemAvailable:   20000000 kB'],
      ...['Inactive(anon):  9999999 kB', 'Inactive(file):  6000000 kB', 'AnonPages:       5000000 kB', ''],
    ].join('\n'),
    vmstat: 'nr_free_pages 1\npgfault 4000\npgmajfault 30\n',
    loadavg: '0.10 0.20 0.30 2/345 6789\n',
  })
  t.strictSame(usage, {
    cpuNanoseconds: 156 * 10_000_000,
    memory: {
      ...{ usageBytes: 20_000_000 * 1024, workingSetBytes: 14_000_000 * 1024, rssBytes: 5_000_000 * 1024 },
      ...{ pageFaults: 4000, majorPageFaults: 30 },
    },
    processes: 345,
  })
})

t.test('files that cannot be read are nothing used', async (t) => {
  const usage = machineUsage({ stat: '', meminfo: '', vmstat: '', loadavg: '' })
  t.match(usage, { cpuNanoseconds: 0, memory: { usageBytes: 0, workingSetBytes: 0 }, processes: 0 })
})

t.test('interfaces but loopback', async (t) => {
  const text = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
    '    lo:     100       2    0    0    0     0          0         0      100       2    0    0    0     0       0          0',
    '  eth0: 1234567     890    1    2    0     0          0         0  7654321     980    3    4    0     0       0          0',
    'veth@x:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16',
    'broken: 1 2',
    '',
  ].join('\n')
  const numbers = { rxBytes: 1_234_567, rxPackets: 890, rxErrors: 1, rxDropped: 2 }
  t.strictSame(parseNetDev(text), [
    { name: 'eth0', ...numbers, txBytes: 7_654_321, txPackets: 980, txErrors: 3, txDropped: 4 },
    {
      ...{ name: 'veth@x', rxBytes: 1, rxPackets: 2, rxErrors: 3, rxDropped: 4 },
      ...{ txBytes: 9, txPackets: 10, txErrors: 11, txDropped: 12 },
    },
  ])
})

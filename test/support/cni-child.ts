/** The agent's part of the CNI plugin in a process of its own, to be killed: `cni-child.ts SUBNET LEASES`. */
import { startPodway } from '../integration/support/cni-world.ts'

const [subnet = '', leases = ''] = process.argv.slice(2)
await startPodway(subnet, leases)
console.log('ready')

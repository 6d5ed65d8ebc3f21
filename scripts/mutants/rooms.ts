/** The pure folders whose tests are tested themselves, and the test files that speak for each. */

export interface MutatedRoom {
  /** Patterns of the files that are changed. */
  readonly sources: readonly string[]
  readonly tests: readonly string[]
}

const room = (folder: string, ...tests: readonly string[]): MutatedRoom => ({
  sources: [`src/${folder}/**/*.ts`],
  tests: tests.map((pattern) => `test/unit/${pattern}.test.ts`),
})

/**
 * dns waits for tests of its folders that start no threads: a thread and its main program write down what they ran through
 * in the same file, and tests of whole servers take seconds for each change.
 */
export const mutatedRooms: Readonly<Record<string, MutatedRoom>> = {
  ip: room('ip', 'ip/*'),
  ipam: room('ipam', 'ipam/*'),
  'proxy/iptables': room('proxy/iptables', 'proxy/iptables/*', 'proxy/conntrack'),
  'overlay/policy': room('overlay/policy', 'overlay/policy/*'),
  'control/objects': room('control/objects', 'control/objects/*', 'control/server/*'),
  'control/scheduler': room('control/scheduler', 'control/scheduler/*'),
  'control/controllers': room('control/controllers', 'control/controllers/**/*'),
}

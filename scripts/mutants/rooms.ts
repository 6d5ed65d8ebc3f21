/** The pure folders whose tests are tested themselves, and the test files that speak for each. */

export interface MutatedRoom {
  /** Patterns of the files that are changed. */
  readonly sources: readonly string[]
  readonly tests: readonly string[]
  /** Whether its random tests go an eighth of their rounds: for those that take longer than all others together. */
  readonly isSlow?: true
}

const room = (folder: string, ...tests: readonly string[]): MutatedRoom => ({
  sources: [`src/${folder}/**/*.ts`],
  tests: tests.map((pattern) => `test/unit/${pattern}.test.ts`),
})

/** Some files of a folder, with the test files of the same names. */
const parts = (folder: string, ...files: readonly string[]): MutatedRoom => ({
  sources: files.map((file) => `src/${folder}/${file}.ts`),
  tests: files.map((file) => `test/unit/${folder}/${file}.test.ts`),
})

/** Two rooms with one floor. */
const both = (a: MutatedRoom, b: MutatedRoom): MutatedRoom => ({
  sources: [...a.sources, ...b.sources],
  tests: [...a.tests, ...b.tests],
})

/**
 * Of control, what is pure is held by tables; what starts a whole control plane for each change would take a day. Of dns,
 * the folders whose tests start no threads: a thread does not hear which change is tried.
 */
export const mutatedRooms: Readonly<Record<string, MutatedRoom>> = {
  ip: room('ip', 'ip/*'),
  ipam: room('ipam', 'ipam/*'),
  'proxy/iptables': { ...room('proxy/iptables', 'proxy/iptables/!(scale)'), isSlow: true },
  'overlay/policy': { ...room('overlay/policy', 'overlay/policy/*'), isSlow: true },
  'dns/wire': room('dns/wire', 'dns/wire/*'),
  'dns/answer': room('dns/answer', 'dns/answer/*'),
  'dns/forward': room('dns/forward', 'dns/forward/*'),
  'dns/zone': room('dns/zone', 'dns/zone/*'),
  'control/objects': room('control/objects', 'control/objects/*'),
  'control/storage': parts('control/storage', 'batches', 'bucket', 'follow', 'watch-cache'),
  'control/scheduler': parts('control/scheduler', 'decide', 'filters', 'node-state', 'scores'),
  'control/controllers': both(
    parts('controller', 'expectations', 'ownership'),
    parts(
      'control/controllers',
      ...['node-health', 'pod-state', 'garbage/references'],
      ...[
        'deployment/plan',
        'deployment/revisions',
        'deployment/status',
        'replicaset/deletion-order',
        'replicaset/status',
      ],
      ...['endpoints/endpoints-object', 'endpoints/service-endpoints', 'endpoints/slice-plan'],
    ),
  ),
}

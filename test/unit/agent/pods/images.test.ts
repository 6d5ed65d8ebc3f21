import t from 'tap'
import {
  type ContainerImageView,
  type ImageStep,
  imageStep,
  type PullState,
  pullPolicyOf,
} from '../../../../src/agent/pods/images.ts'
import type { Image } from '../../../../src/agent/runtime/images.ts'

const image: Image = {
  ...{ id: 'sha256:1', digest: 'r/web@sha256:2', names: ['web:1'], sizeBytes: 1, limitations: [] },
  config: { entrypoint: [], cmd: [], env: {}, user: '', workingDir: '' },
}
const view = (more: Partial<ContainerImageView>, pull: Partial<PullState> = {}): ContainerImageView => ({
  ...{ reference: 'web:1', policy: 'IfNotPresent', found: undefined, pull: { isRunning: false, ...pull } },
  ...more,
})
const failed = (count: number, at = 0) => ({ failure: { message: 'no such host', at, count } })
const backOff = (at: number) => ({
  waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "web:1"' },
  at,
})

interface Case {
  readonly name: string
  readonly of: ContainerImageView
  readonly endedAt?: number
  readonly now?: number
  readonly step: ImageStep
}

const cases: readonly Case[] = [
  { name: 'not there', of: view({}), step: 'pull' },
  { name: 'there', of: view({ found: image }), step: 'use' },
  { name: 'on its way', of: view({}, { isRunning: true }), step: { waiting: undefined } },
  { name: 'Always, and there', of: view({ policy: 'Always', found: image }), step: 'pull' },
  { name: 'Always, fetched', of: view({ policy: 'Always', found: image }, { pulledAt: 5 }), step: 'use' },
  {
    name: 'Always, fetched for the instance before',
    of: view({ policy: 'Always', found: image }, { pulledAt: 5 }),
    endedAt: 6,
    step: 'pull',
  },
  {
    name: 'Always, and being fetched again',
    of: view({ policy: 'Always', found: image }, { pulledAt: 5, isRunning: true }),
    endedAt: 6,
    step: { waiting: undefined },
  },
  { name: 'fetched, and removed since', of: view({}, { pulledAt: 5 }), step: 'pull' },
  { name: 'Never, and there', of: view({ policy: 'Never', found: image }), step: 'use' },
  {
    name: 'Never, and not there',
    of: view({ policy: 'Never' }),
    step: {
      waiting: {
        reason: 'ErrImageNeverPull',
        message: 'Container image "web:1" is not present with pull policy of Never',
      },
    },
  },
  {
    name: 'no name of an image',
    of: view({ invalid: 'couldn\'t parse image name "web:1": invalid reference format' }),
    step: {
      waiting: {
        reason: 'InvalidImageName',
        message:
          'Failed to apply default image tag "web:1": couldn\'t parse image name "web:1": invalid reference format',
      },
    },
  },
  {
    name: 'failed just now',
    of: view({}, failed(1)),
    now: 1_999,
    step: { waiting: { reason: 'ErrImagePull', message: 'no such host' }, at: 2_000 },
  },
  { name: 'failed a moment ago', of: view({}, failed(1)), now: 2_000, step: backOff(10_000) },
  { name: 'the first wait is over', of: view({}, failed(1)), now: 10_000, step: 'pull' },
  { name: 'the second is twice as long', of: view({}, failed(2)), now: 10_000, step: backOff(20_000) },
  { name: 'the tenth is five minutes', of: view({}, failed(10)), now: 10_000, step: backOff(300_000) },
  {
    name: 'Always: a failure holds it up although it is there',
    of: view({ policy: 'Always', found: image }, failed(1)),
    now: 3_000,
    step: backOff(10_000),
  },
]
for (const { name, of, endedAt = 0, now = 0, step } of cases)
  t.test(name, async (t) => t.same(imageStep(of, endedAt, now), step))

for (const [reference, policy] of [
  ['nginx', 'Always'],
  ['nginx:latest', 'Always'],
  ['localhost:5000/nginx', 'Always'],
  ['localhost:5000/nginx:latest', 'Always'],
  ['nginx:1', 'IfNotPresent'],
  ['nginx:latest-2', 'IfNotPresent'],
  ['nginx@sha256:0', 'IfNotPresent'],
] as const)
  t.test(`the usual policy for ${reference}`, async (t) => {
    t.equal(pullPolicyOf({ name: 'main', image: reference }), policy)
    t.equal(pullPolicyOf({ name: 'main', image: reference, imagePullPolicy: 'Never' }), 'Never')
  })

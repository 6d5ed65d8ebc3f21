/** What is told of a pod in Events, and how often. */
import t from 'tap'
import { complaintsOf } from '../../../../src/agent/pods/complaints.ts'
import type { ContainerImageView } from '../../../../src/agent/pods/images.ts'
import type { Waiting } from '../../../../src/agent/pods/plan.ts'
import type { PodView } from '../../../../src/agent/pods/view.ts'
import { sandbox, view } from './builders.ts'

const told = (waiting: Readonly<Record<string, Waiting>>, more: Partial<PodView> = {}) =>
  complaintsOf(view(more), { actions: [], waiting: new Map(Object.entries(waiting)) })
const words = (...args: Parameters<typeof told>) =>
  told(...args).map(({ type, reason, message, container }) =>
    [type, reason, message, ...(container === undefined ? [] : [container])].join(' | '),
  )
const keys = (...args: Parameters<typeof told>) => told(...args).map(({ key }) => key)

t.test('nothing is wrong, or it only takes its time', async (t) => {
  t.same(words({}), [])
  t.same(words({ main: { reason: 'ContainerCreating' }, side: { reason: 'PodInitializing' } }), [])
})

t.test('what cannot be put right', async (t) => {
  t.same(words({}, { networkTrouble: 'no address' }), ['Warning | NetworkNotReady | no address'])
  t.same(words({ main: { reason: 'Unsupported', message: 'no GPUs' } }), ['Warning | Unsupported | no GPUs'])
})

t.test('a container that ends again and again is told of once for each time', async (t) => {
  const waiting = { main: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } }
  const first = { sandbox: sandbox([{ name: 'main', code: 1 }]) }
  const second = {
    sandbox: sandbox([
      { name: 'main', code: 1 },
      { name: 'main', attempt: 1, code: 1 },
    ]),
  }
  t.same(words(waiting, first), [
    'Warning | BackOff | Back-off restarting failed container main in pod web_default(u1) | main',
  ])
  t.same(keys(waiting, first), keys(waiting, first))
  t.not(keys(waiting, first)[0], keys(waiting, second)[0])
  t.same(keys(waiting), ['main'])
})

t.test('images', async (t) => {
  const image = (reason: string) => words({ main: { reason, message: 'why' } })
  t.same(image('ErrImagePull'), ['Warning | Failed | Error: ErrImagePull | main'])
  t.same(image('ImagePullBackOff'), [
    'Normal | BackOff | why | main',
    'Warning | Failed | Error: ImagePullBackOff | main',
  ])
  t.same(image('ErrImageNeverPull'), [
    'Warning | ErrImageNeverPull | why | main',
    'Warning | Failed | Error: ErrImageNeverPull | main',
  ])
  t.same(image('InvalidImageName'), [
    'Warning | InspectFailed | why | main',
    'Warning | Failed | Error: InvalidImageName | main',
  ])
  t.same(words({ main: { reason: 'ImagePullBackOff' } })[0], 'Normal | BackOff |  | main')
})

t.test('each failed try of an image is told of, and each container by itself', async (t) => {
  const waiting = { reason: 'ImagePullBackOff', message: 'why' }
  const tried = (count: number): Partial<PodView> => ({
    images: new Map([['main', { pull: { failure: { count } } }]]) as unknown as PodView['images'],
  })
  const [one = '', two = ''] = keys({ main: waiting })
  t.not(one, two, 'its two Events are two')
  t.same(keys({ main: waiting }), keys({ main: waiting }))
  t.not(keys({ main: waiting }, tried(1))[0], keys({ main: waiting }, tried(2))[0])
  t.equal(new Set(keys({ main: waiting, side: waiting })).size, 4)
  t.not(keys({ main: waiting })[0], keys({ main: { reason: 'ErrImageNeverPull' } })[0])
})

t.test('an image that is not whole on this node is told of, once for all containers that have it', async (t) => {
  const limitations = ['2 of its files have owners that this user namespace does not have', 'no devices']
  const config = { entrypoint: [], cmd: [], env: {}, user: '', workingDir: '' }
  const found = { id: 'sha256:1', digest: 'web@sha256:1', names: ['web:1'], sizeBytes: 1, config, limitations }
  const image = { reference: 'web:1', policy: 'Never', found, pull: { isRunning: false } } as const
  const whole = { ...image, found: { ...found, limitations: [] } }
  const images = new Map<string, ContainerImageView>([
    ['main', image],
    ['side', image],
    ['other', whole],
    ['missing', { ...image, found: undefined }],
  ])
  t.same(words({}, { images }).slice(0, 1), [
    'Warning | LimitedImage | Image "web:1" is not whole on this node: 2 of its files have owners that this user namespace does not have; no devices | main',
  ])
  t.equal(new Set(keys({}, { images })).size, 1)
})

import t from 'tap'
import { findInstance } from '../../../../src/agent/server/find-log.ts'
import { parseLogQuery } from '../../../../src/agent/server/log-query.ts'
import type { PodStatus } from '../../../../src/api/types/index.ts'
import { type Found, pod, sandbox } from '../pods/builders.ts'

const parse = (query: string) => parseLogQuery(new URLSearchParams(query), 100_000)
const plain = { previous: false, follow: false, timestamps: false }

for (const { query, options } of [
  { query: '', options: plain },
  { query: 'follow=true&timestamps=1&previous=true', options: { previous: true, follow: true, timestamps: true } },
  { query: 'follow=false&tailLines=&sinceTime=', options: plain },
  { query: 'tailLines=0&limitBytes=1', options: { ...plain, tailLines: 0, limitBytes: 1 } },
  { query: 'sinceSeconds=10', options: { ...plain, sinceTime: 90_000 } },
  { query: 'sinceTime=1970-01-01T00:01:00Z', options: { ...plain, sinceTime: 60_000 } },
  { query: 'container=ignored&pretty=true', options: plain },
])
  t.test(`query: ${query}`, async (t) => t.same(parse(query), options))

for (const { query, message } of [
  { query: 'tailLines=-1', message: 'tailLines: Invalid value: "-1": must be a number of at least 0' },
  { query: 'tailLines=many', message: /^tailLines: Invalid value: "many"/ },
  { query: 'limitBytes=0', message: /^limitBytes: Invalid value: "0": must be a number of at least 1/ },
  { query: 'sinceSeconds=0', message: /^sinceSeconds/ },
  { query: 'sinceTime=yesterday', message: /^sinceTime: Invalid value: "yesterday"/ },
  { query: 'sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z', message: /at most one of/ },
])
  t.test(`wrong query: ${query}`, async (t) =>
    t.throws(() => parse(query), { name: 'RequestError', status: 422, message }),
  )

const waiting = (reason: string): PodStatus => ({
  containerStatuses: [
    { name: 'main', state: { waiting: { reason } }, ready: false, restartCount: 0, image: '', imageID: '' },
  ],
})
const running: readonly Found[] = [
  { name: 'main', code: 1 },
  { name: 'main', attempt: 1 },
]
const ended: readonly Found[] = [
  { name: 'main', code: 1 },
  { name: 'main', attempt: 1, code: 1 },
]

for (const { name, found, status = {}, container = 'main', previous = false, is } of [
  { name: 'the running one', found: running, is: 'u1_main_1' },
  { name: 'the one before', found: running, previous: true, is: 'u1_main_0' },
  { name: 'the last one of a pod that is over', found: ended, is: 'u1_main_1' },
  { name: 'the one before it', found: ended, previous: true, is: 'u1_main_0' },
  { name: 'held back: the last one', found: ended, status: waiting('CrashLoopBackOff'), is: 'u1_main_1' },
  {
    name: 'held back: it is the previous one, too',
    found: ended,
    status: waiting('CrashLoopBackOff'),
    previous: true,
    is: 'u1_main_1',
  },
  { name: 'no such container', found: running, container: 'other', is: '404 container "other" not found in pod "web"' },
  { name: 'none yet', found: [], is: '400 container "main" in pod "web" is waiting to start: ContainerCreating' },
  {
    name: 'none, and why',
    found: [],
    status: waiting('CreateContainerError'),
    is: '400 container "main" in pod "web" is waiting to start: CreateContainerError',
  },
  {
    name: 'none before',
    found: [{ name: 'main' }],
    previous: true,
    is: '400 previous terminated container "main" in pod "web" not found',
  },
])
  t.test(`instance: ${name}`, async (t) => {
    const find = () => {
      try {
        return findInstance(pod({}, status), sandbox(found), container, previous).id
      } catch (error) {
        const { status: code, message } = error as { status: number; message: string }
        return `${code} ${message}`
      }
    }
    t.equal(find(), is)
  })

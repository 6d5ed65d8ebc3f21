/** `/healthz`, `/livez` and `/readyz`: whether the server does its work, by checks that have names. */
import { noSuchPath } from '../../api/errors.ts'
import type { Answer, Call } from './call.ts'

export interface HealthCheck {
  readonly name: string
  /** Of readiness alone: one that fails asks nobody to start the server anew. */
  readonly readyOnly?: boolean
  /** Rejects with what is wrong. */
  readonly check: () => Promise<void> | void
}

const endpoints = ['healthz', 'livez', 'readyz'] as const
type Endpoint = (typeof endpoints)[number]

const checkMs = 2_000

/** Rejects when the check takes too long, too. */
export const inTime = async (check: HealthCheck['check']): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${checkMs} ms`)), checkMs)
  })
  try {
    await Promise.race([check(), late])
  } finally {
    clearTimeout(timer)
  }
}

const text = (bytes: string, code = 200): Answer => ({
  ...{ kind: 'bytes', contentType: 'text/plain; charset=utf-8', bytes },
  ...(code === 200 ? {} : { code }),
})

const quoted = (names: Iterable<string>): string => [...names].map((name) => JSON.stringify(name)).join(',')

/** Why something failed is told to the log alone: anybody may ask here. */
export type OnUnhealthy = (name: string, error: unknown) => void

export const createHealth = (checks: readonly HealthCheck[], onUnhealthy: OnUnhealthy) => {
  const of = (endpoint: Endpoint): readonly HealthCheck[] =>
    checks.filter(({ readyOnly = false }) => !readyOnly || endpoint === 'readyz')

  const isGood = async ({ name, check }: HealthCheck): Promise<boolean> => {
    try {
      await inTime(check)
      return true
    } catch (error) {
      onUnhealthy(name, error)
      return false
    }
  }

  const all = async (endpoint: Endpoint, query: URLSearchParams): Promise<Answer> => {
    const excluded = new Set(query.getAll('exclude'))
    const lines: string[] = []
    let failed = false
    for (const check of of(endpoint)) {
      const { name } = check
      if (excluded.delete(name)) lines.push(`[+]${name} excluded: ok`)
      else if (await isGood(check)) lines.push(`[+]${name} ok`)
      else {
        failed = true
        lines.push(`[-]${name} failed: reason withheld`)
      }
    }
    if (excluded.size > 0) lines.push(`warn: some health checks cannot be excluded: no matches for ${quoted(excluded)}`)
    if (failed) return text(`${[...lines, `${endpoint} check failed`].join('\n')}\n`, 500)
    return query.has('verbose') ? text(`${[...lines, `${endpoint} check passed`].join('\n')}\n`) : text('ok')
  }

  /** Undefined for a path of something else; what it returns looks. Throws NotFound for a check that is not there. */
  return ({ path, query }: Pick<Call, 'path' | 'query'>): (() => Promise<Answer>) | undefined => {
    const [, first, ...rest] = path.split('/')
    const endpoint = endpoints.find((each) => each === first)
    if (!endpoint) return undefined
    const name = rest.join('/')
    if (name === '') return () => all(endpoint, query)
    const one = of(endpoint).find((check) => check.name === name)
    if (!one) throw noSuchPath()
    return async () => ((await isGood(one)) ? text('ok') : text('internal server error: reason withheld\n', 500))
  }
}

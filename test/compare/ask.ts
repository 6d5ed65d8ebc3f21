/** Two servers that can be asked: Podway's, in this process, and any other over HTTPS. */
import { readFile } from 'node:fs/promises'
import { Agent, request } from 'undici'
import { createTestApi } from '../support/api-server.ts'
import { type Comparable, comparable } from './answers.ts'
import type { Value } from './mutants.ts'

/** Would you create this? Nothing is kept. */
export type Ask = (path: string, object: Value) => Promise<Comparable>

const withoutEffect = (path: string): string => `${path}?dryRun=All`

export const createOurs = async (): Promise<Ask> => {
  const api = await createTestApi()
  return async (path, object) => {
    try {
      const { code, body } = await api.request('POST', withoutEffect(path), { body: object })
      return comparable(code, body as unknown as Value)
    } catch (error) {
      // What would be an Internal Server Error.
      return { code: 500, reason: String(error), causes: [] }
    }
  }
}

export interface Reference {
  /** `https://127.0.0.1:6443` */
  readonly url: string
  /** PEM; missing: any certificate is taken. */
  readonly ca?: string
  readonly token?: string
}

const dispatcherOf = ({ ca }: Reference): Agent =>
  new Agent({ connections: 8, connect: ca === undefined ? { rejectUnauthorized: false } : { ca } })

export const createReference = (reference: Reference): { readonly ask: Ask; close(): Promise<void> } => {
  const dispatcher = dispatcherOf(reference)
  const headers = {
    'content-type': 'application/json',
    ...(reference.token === undefined ? {} : { authorization: `Bearer ${reference.token}` }),
  }
  return {
    ask: async (path, object) => {
      const url = new URL(withoutEffect(path), reference.url)
      const body = JSON.stringify(object)
      const answer = await request(url, { method: 'POST', dispatcher, headers, body })
      const text = await answer.body.text()
      // A path that is not served is told in plain text.
      return text.startsWith('{')
        ? comparable(answer.statusCode, JSON.parse(text) as Value)
        : { code: answer.statusCode, reason: text.trim(), causes: [] }
    },
    close: () => dispatcher.close(),
  }
}

export const readText = async (file: string | undefined): Promise<string | undefined> =>
  file === undefined ? undefined : (await readFile(file, 'utf8')).trim()

/** Asks an API server over HTTPS: the same way for Podway's own and for any other. */
import { readFile } from 'node:fs/promises'
import { Agent, request } from 'undici'
import { type Comparable, comparable } from './answers.ts'
import type { Value } from './mutants.ts'

export interface Server {
  /** `https://127.0.0.1:6443` */
  readonly url: string
  /** PEM; missing: any certificate is taken. */
  readonly ca?: string
  readonly token?: string
}

export interface Asked {
  readonly method: string
  /** With its query. */
  readonly path: string
  /** Missing: `application/json`. Empty: none. */
  readonly type?: string
  readonly accept?: string
  /** A text is sent as it is, anything else as JSON; undefined: no body. */
  readonly body?: Value
}

export interface Answer {
  readonly code: number
  readonly body: Value
}

export interface Asker {
  ask(asked: Asked): Promise<Answer>
  close(): Promise<void>
}

const parsed = (text: string): Value => {
  try {
    return JSON.parse(text) as Value
  } catch {
    // A path that is not served is told in plain text.
    return text.trim()
  }
}

const bodyOf = (body: Value | undefined): string | null => {
  if (body === undefined) return null
  return typeof body === 'string' ? body : JSON.stringify(body)
}

export const createAsker = ({ url, ca, token }: Server): Asker => {
  const connect = ca === undefined ? { rejectUnauthorized: false } : { ca }
  const dispatcher = new Agent({ connections: 8, connect })
  return {
    ask: async ({ method, path, type = 'application/json', accept, body }) => {
      const headers = {
        ...(type === '' || body === undefined ? {} : { 'content-type': type }),
        ...(accept === undefined ? {} : { accept }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      }
      const answer = await request(`${url}${path}`, {
        ...{ method: method as 'GET', dispatcher, headers, body: bodyOf(body) },
      })
      return { code: answer.statusCode, body: parsed(await answer.body.text()) }
    },
    close: () => dispatcher.close(),
  }
}

/** The answer in the form in which two are compared. */
export const askFor = async (asker: Asker, asked: Asked): Promise<Comparable> => {
  const { code, body } = await asker.ask(asked)
  return comparable(code, body)
}

export const readText = async (file: string | undefined): Promise<string | undefined> =>
  file === undefined ? undefined : (await readFile(file, 'utf8')).trim()

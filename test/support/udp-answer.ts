import { createSocket } from 'node:dgram'
import type { Test } from 'tap'
import { until } from './until.ts'

/** What whoever listens at this port of 127.0.0.1 answers to `you`; asked again and again until something comes. */
export const udpAnswer = async (t: Test, port: number): Promise<string> => {
  const client = createSocket('udp4')
  t.teardown(() => void client.close())
  let heard = ''
  client.on('message', (message) => {
    heard = String(message)
  })
  client.on('error', () => {})
  await until(() => {
    client.send('you', port, '127.0.0.1')
    return heard !== ''
  }, `an answer over UDP at ${port}`)
  return heard
}

import t from 'tap'
import { readSysctl, writeSysctl } from '../../../src/host/sysctl.ts'

t.test('a key is a kernel parameter, and no path to somewhere else', async (t) => {
  t.match(await readSysctl('kernel.ostype'), /\w/)
  t.equal(await readSysctl('net.there-is-none'), undefined)
  for (const key of ['', 'kernel', '...etc', 'net.ipv4.conf.../../etc', 'net/ipv4', 'net.ipv4.a b', 'net.ipv4.a\n'])
    await t.rejects(readSysctl(key), RangeError, JSON.stringify(key))
  await t.rejects(writeSysctl('../../etc/passwd', '1'), RangeError)
})

/** What TCP costs between two hosts: the time of a connect, and throughput. */

import type { CommandRunner } from '../../../src/host/command.ts'
import type { Host } from '../../integration/support/hosts.ts'
import { sized } from './size.ts'

/**
 * Connects again and again with nothing but system calls, and prints the median time in microseconds. Connections are
 * broken off: ports that wait to be used again would make the search for a free one longer and longer.
 */
const connector = `
use Socket; use Time::HiRes 'time';
my ($to, $port, $count) = @ARGV; my @times;
for (1 .. $count) {
  socket(my $s, PF_INET, SOCK_STREAM, 0) or die; my $began = time;
  connect($s, sockaddr_in($port, inet_aton($to))) or die "connect: $!";
  push @times, time - $began; sysread($s, my $answer, 100);
  setsockopt($s, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0)); close $s;
}
@times = sort { $a <=> $b } @times; printf "%.1f", $times[@times / 2] * 1e6;`

/** Microseconds, the median of many. */
export const connectMicros = async (host: Host, to: string, port: number): Promise<number> =>
  Number(
    await host.runner.run('taskset', ['-c', '0', 'perl', '-e', connector, to, String(port), String(sized(1_500, 50))]),
  )

/** A program that listens on port 9000, takes all that comes, and says at the end how much it was. */
export const sink = `
require('node:net').createServer((socket) => {
  let bytes = 0
  socket.on('data', (chunk) => { bytes += chunk.length }).on('end', () => socket.end(String(bytes))).on('error', () => {})
}).listen(9000, () => console.log('ready'))`

/** How long throughput is measured. */
const sendMs = sized(1_500, 100)

const source = `
const socket = require('node:net').connect({ host: process.argv[1], port: Number(process.argv[2]), allowHalfOpen: true })
const block = Buffer.alloc(1 << 18)
const began = performance.now()
const pump = () => {
  while (performance.now() - began < ${sendMs}) if (!socket.write(block)) return socket.once('drain', pump)
  socket.end()
}
socket.on('connect', pump)
let text = ''
socket.on('data', (chunk) => { text += chunk }).on('end', () => {
  console.log(Number(text) / (performance.now() - began) / 1e6)
})`

/** Gigabytes a second. */
export const throughput = async (host: Host, to: string, port: number): Promise<number> =>
  Number(await host.runner.run('taskset', ['-c', '0', process.execPath, '-e', source, to, String(port)]))

export const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

/**
 * Keeps a server on the other core than the client: wherever the kernel happens to put them makes more of a difference than
 * what is measured.
 */
export const pinServer = async (runner: CommandRunner, name: string): Promise<void> => {
  const pids = (await runner.run('ip', ['netns', 'pids', name])).trim().split('\n')
  for (const pid of pids) await runner.run('taskset', ['-a', '-c', '-p', '1', pid])
}
